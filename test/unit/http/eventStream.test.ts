import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import type { StoredEntry } from '../../../journal/port.ts';
import type { OfferedEvent } from '../../../src/http/eventHub.ts';
import { EventStream } from '../../../src/http/eventStream.ts';
import { silentLog } from '../../../src/telemetry/log.ts';

const A = 'job.partition.a.0' as Subject;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(JSON.stringify(text));

/** A client that takes everything, or nothing. */
class FakeResponse extends EventEmitter {
  text = '';
  isDestroyed = false;
  #until: { readonly part: string; readonly resolve: () => void } | null = null;

  writeHead(): void {
    this.text = '';
  }

  write(text: string): boolean {
    this.text += text;
    if (this.#until !== null && this.text.includes(this.#until.part)) this.#until.resolve();
    return true;
  }

  end(): void {
    this.emit('close');
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }

  async has(part: string): Promise<void> {
    if (this.text.includes(part)) return;
    await new Promise<void>((resolve) => (this.#until = { part, resolve }));
  }
}

function streaming(stored: readonly StoredEntry[], resumeAfter: number | null, safeRevision: number) {
  const response = new FakeResponse();
  const stream = new EventStream({
    response: response as unknown as ServerResponse,
    history: {
      journal: {
        async *read(_subject, after) {
          yield await Promise.resolve(stored.filter(({ revision }) => revision > after));
        },
      },
      subjects: () => [A],
    },
    ...{ log: silentLog, resumeAfter, safeRevision, wants: () => true },
  });
  return { response, stream, ended: stream.run() };
}

const event = (revision: number, after: number, text: string): OfferedEvent => ({
  ...{ subject: A, revision, after, bytes: bytesOf(text), safeRevision: revision },
});
const dataOf = ({ text }: FakeResponse): readonly string[] => text.match(/(?<=^data: ").*(?="$)/gm) ?? [];

describe('a stream of events', () => {
  const stored = ['one', 'two', 'three'].map((text, index) => ({
    ...{ revision: index + 1, bytes: bytesOf(text) },
  }));

  test('that resumes gets from the journal what it has not seen, and each entry once', async () => {
    const { response, stream, ended } = streaming(stored, 1, 3);
    stream.offer(event(3, 2, 'three'));
    stream.offer(event(4, 3, 'four'));
    await response.has('four');
    stream.end();
    await ended;
    expect(dataOf(response)).toEqual(['two', 'three', 'four']);
    expect(response.text.match(/^id: .*$/gm)).toEqual(['id: 3', 'id: 4']);
  });

  test('that begins gets nothing of before', async () => {
    const { response, stream, ended } = streaming(stored, null, 3);
    stream.offer(event(4, 3, 'four'));
    await response.has('four');
    stream.end();
    await ended;
    expect(dataOf(response)).toEqual(['four']);
  });

  test('fills in an entry whose append was never answered', async () => {
    const { response, stream, ended } = streaming(stored, null, 1);
    stream.offer(event(4, 3, 'four'));
    await response.has('four');
    stream.end();
    await ended;
    expect(dataOf(response)).toEqual(['two', 'three', 'four']);
  });

  test('drops a client that leaves too much waiting', async () => {
    const { response, stream, ended } = streaming([], null, 0);
    const large = 'x'.repeat(1024 * 1024);
    for (let revision = 1; revision <= 5; revision += 1) stream.offer(event(revision, revision - 1, large));
    await ended;
    expect(response.isDestroyed).toBe(true);
  });
});
