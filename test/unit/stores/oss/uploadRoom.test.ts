/** Uploads that share a room, with a service that answers when the test says so. */
import { expect, test } from 'vitest';
import type { Besides } from '../../../../src/stores/oss/besides.ts';
import type { Content, Objects } from '../../../../src/stores/oss/objects.ts';
import { UploadBeingWritten } from '../../../../src/stores/oss/upload.ts';
import { UploadRoom } from '../../../../src/stores/oss/uploadRoom.ts';

const KiB = 1024;
const PART = 200 * KiB;

interface Upload {
  readonly length: number;
  answer(): void;
}

function newFile(uploads: Upload[]): UploadBeingWritten {
  const uploadPart = (_key: string, _id: string, number: number, { length }: Content): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    uploads.push({ length, answer: () => resolve(`etag ${number}`) });
    return promise;
  };
  return new UploadBeingWritten({
    objects: { uploadPart } as unknown as Objects,
    besides: {} as unknown as Besides,
    room: new UploadRoom(64 * 1024 * KiB),
    ...{ uploadPartBytes: PART, finalUri: 'oss://lake/part', temporaryUri: 'oss://lake/.part' },
    ...{ key: 'part', uploadId: 'upload' },
  });
}

test('bytes that the room uploads while their writer waits for its turn make no empty part', async () => {
  const uploads: Upload[] = [];
  const file = newFile(uploads);
  const written = file.write(Buffer.alloc(4 * PART));
  while (uploads.length < 3) await Promise.resolve();
  uploads[0]?.answer();
  // Another file finds the room full just when this one may upload again, before its own writer goes on.
  while (file.uploadableBytes === 0) await Promise.resolve();
  file.uploadEarly();
  for (const { answer } of uploads) answer();
  await written;
  const more = file.write(Buffer.alloc(PART));
  while (uploads.length < 5) await Promise.resolve();
  for (const { answer } of uploads) answer();
  await more;
  await file.closeForCommit();
  expect(uploads.map(({ length }) => length)).toEqual([PART, PART, PART, PART, PART]);
});
