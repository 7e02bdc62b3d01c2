import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Answer, ContentRange } from './answer.ts';
import type { DataFolder, Segment } from './state/content.ts';

/** Sends an answer; for HEAD only its headers. */
export async function send(
  response: ServerResponse,
  answer: Answer,
  data: DataFolder,
  isHead: boolean,
): Promise<void> {
  const { status, headers = {}, body } = answer;
  if (body === undefined || typeof body === 'string') {
    const length = Buffer.byteLength(body ?? '');
    // The document of an error has no other place in the answer to a HEAD.
    const error = isHead && status >= 400 ? { 'x-oss-err': Buffer.from(body ?? '').toString('base64') } : {};
    response.writeHead(status, { 'Content-Length': length, ...headers, ...error });
    await new Promise<void>((resolve) => response.end(isHead ? undefined : body, resolve));
    return;
  }
  // Opened before the first byte is sent: these bytes stay readable even if the object is replaced.
  const pieces = await openPieces(body, data);
  response.writeHead(status, { 'Content-Length': body.sizeBytes, ...headers });
  await pipeline(bytesOf(pieces), response);
}

type Piece = {
  readonly file: Awaited<ReturnType<typeof open>>;
  readonly start: number;
  readonly end: number;
};

async function openPieces(
  { segments, startByte, sizeBytes }: ContentRange,
  data: DataFolder,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let skipBytes = startByte;
  let leftBytes = sizeBytes;
  for (const segment of segments) {
    if (leftBytes === 0) break;
    if (skipBytes >= segment.sizeBytes) {
      skipBytes -= segment.sizeBytes;
      continue;
    }
    const takenBytes = Math.min(leftBytes, segment.sizeBytes - skipBytes);
    pieces.push({
      file: await openSegment(segment, data),
      start: skipBytes,
      end: skipBytes + takenBytes - 1,
    });
    leftBytes -= takenBytes;
    skipBytes = 0;
  }
  return pieces;
}

function openSegment(segment: Segment, data: DataFolder): ReturnType<typeof open> {
  return open(data.pathOf(segment), 'r');
}

const READ_BYTES = 256 << 10;

async function* bytesOf(pieces: readonly Piece[]): AsyncGenerator<Buffer> {
  try {
    for (const { file, start, end } of pieces) {
      const options = { fd: file.fd, start, end, autoClose: false, highWaterMark: READ_BYTES };
      yield* createReadStream('', options) as AsyncIterable<Buffer>;
    }
  } finally {
    await Promise.all(pieces.map(({ file }) => file.close()));
  }
}
