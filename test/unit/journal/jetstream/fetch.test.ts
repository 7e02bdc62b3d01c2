import type { Msg } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { SubjectFetch, type FetchTarget } from '../../../../journal/jetstream/fetch.ts';

const NAME = 'TIDEMARK.id.job.partition.t.0';

/** A connection that brings what the test hands it, and remembers what was asked of it. */
class Wire {
  readonly pulls: { batch: number; max_bytes: number; reply: string }[] = [];
  readonly target: FetchTarget;
  #deliver: (error: Error | null, message: Msg) => void = () => undefined;

  constructor(payloadBytesMax = 1024 * 1024) {
    const nc = {
      subscribe: (
        _subject: string,
        { callback }: { callback: (error: Error | null, message: Msg) => void },
      ) => {
        this.#deliver = callback;
        return { unsubscribe: () => undefined };
      },
      publish: (_subject: string, body: string, { reply }: { reply: string }) => {
        this.pulls.push({ ...(JSON.parse(body) as { batch: number; max_bytes: number }), reply });
      },
    };
    const link = { nc, isUp: true, payloadBytesMax, onLoss: () => () => undefined };
    this.target = {
      ...{ link: link as never, jsm: {} as never, stream: 'TIDEMARK', natsSubject: NAME },
      silenceMs: 60_000,
    };
  }

  entry(streamSequence: number, deliverySequence: number, bytes = new Uint8Array(1)): void {
    this.message(`$JS.ACK.TIDEMARK.c.1.${streamSequence}.${deliverySequence}.1700000000.0`, bytes);
  }

  message(reply: string, bytes = new Uint8Array(1)): void {
    this.#deliver(null, { subject: NAME, reply, data: bytes } as Msg);
  }

  remark(pull: number, code: number, description: string): void {
    const subject = this.pulls[pull]?.reply ?? '';
    this.#deliver(null, { subject, data: new Uint8Array(), headers: { code, description } } as never);
  }

  fail(error: Error): void {
    this.#deliver(error, {} as Msg);
  }
}

async function revisions(fetch: SubjectFetch): Promise<number[]> {
  const found: number[] = [];
  for (let batch = await fetch.next(); batch !== null; batch = await fetch.next())
    found.push(...batch.map(({ revision }) => revision));
  return found;
}

describe('deliveries of the stream', () => {
  test('are taken in order, holes in the stream included', async () => {
    const wire = new Wire();
    const fetch = new SubjectFetch(wire.target, 'c', 0, 9);
    const reading = revisions(fetch);
    for (const [index, sequence] of [2, 5, 9].entries()) wire.entry(sequence, index + 1);
    expect(await reading).toEqual([2, 5, 9]);
  });

  test('with a gap break the run: something was lost on the way', async () => {
    const wire = new Wire();
    const reading = revisions(new SubjectFetch(wire.target, 'c', 0, 9));
    wire.entry(2, 1);
    wire.entry(9, 3);
    await expect(reading).rejects.toThrow(/delivery 3 where 2 was due/);
  });

  test('that came before the break are still handed out', async () => {
    const wire = new Wire();
    const fetch = new SubjectFetch(wire.target, 'c', 0, 9);
    wire.entry(2, 1);
    wire.fail(new Error('subscription lost'));
    expect(await fetch.next()).toEqual([{ revision: 2, bytes: new Uint8Array(1) }]);
    await expect(fetch.next()).rejects.toThrow('subscription lost');
  });

  test('are understood in the longer form of servers with a domain', async () => {
    const wire = new Wire();
    const reading = revisions(new SubjectFetch(wire.target, 'c', 0, 7));
    wire.message('$JS.ACK.hub.ACCOUNT.TIDEMARK.c.1.7.1.1700000000.0');
    expect(await reading).toEqual([7]);
    const other = revisions(new SubjectFetch(wire.target, 'c', 0, 7));
    wire.message('$JS.ACK._.ACCOUNT.TIDEMARK.c.1.7.1.1700000000.0.token');
    expect(await other).toEqual([7]);
  });

  test.each(['', 'inbox', '$JS.ACK.TIDEMARK.c.1.x.1.1700000000.0', '$JS.NAK.TIDEMARK.c.1.1.1.1700000000.0'])(
    'without their numbers, %j, break the run',
    async (reply) => {
      const wire = new Wire();
      const reading = revisions(new SubjectFetch(wire.target, 'c', 0, 9));
      wire.message(reply);
      await expect(reading).rejects.toThrow(/without its numbers/);
    },
  );

  test('too long a silence breaks the run', async () => {
    const wire = new Wire();
    const reading = revisions(new SubjectFetch({ ...wire.target, silenceMs: 1 }, 'c', 0, 9));
    await expect(reading).rejects.toThrow(/silence for 1 ms/);
  });
});

describe('pulls', () => {
  test('are at most two at a time, and the next one follows when one is used up', async () => {
    const wire = new Wire();
    const fetch = new SubjectFetch(wire.target, 'c', 0, 10_000);
    const first = fetch.next();
    expect(wire.pulls).toHaveLength(2);
    const batch = wire.pulls[0]?.batch ?? 0;
    for (let count = 1; count <= batch; count += 1) wire.entry(count, count);
    await first;
    const second = fetch.next();
    expect(wire.pulls).toHaveLength(3);
    wire.entry(batch + 1, batch + 1);
    await second;
    expect(wire.pulls).toHaveLength(3);
  });

  test.each(['Batch Completed', 'Message Size Exceeds MaxBytes'])(
    'end with "%s", and another follows',
    async (text) => {
      const wire = new Wire();
      const fetch = new SubjectFetch(wire.target, 'c', 0, 9);
      const reading = revisions(fetch);
      wire.remark(0, 409, text);
      expect(wire.pulls).toHaveLength(3);
      wire.entry(9, 1);
      expect(await reading).toEqual([9]);
    },
  );

  test.each([
    [409, 'Consumer Deleted'],
    [409, 'Leadership Change'],
    [409, 'Server Shutdown'],
    [400, 'Bad Request'],
    [503, ''],
  ])('that are answered %i %s break the run', async (code, text) => {
    const wire = new Wire();
    const reading = revisions(new SubjectFetch(wire.target, 'c', 0, 9));
    wire.remark(1, code, text);
    await expect(reading).rejects.toThrow(`${code} ${text}`);
  });

  test('wait while what came is not taken: a slow reader holds no more than it asked for', async () => {
    const wire = new Wire();
    const fetch = new SubjectFetch(wire.target, 'c', 0, 10_000);
    const first = fetch.next();
    for (let count = 1; count <= 20; count += 1) wire.entry(count, count, new Uint8Array(500_000));
    wire.remark(0, 409, 'Batch Completed');
    expect(wire.pulls).toHaveLength(2);
    await first;
    const second = fetch.next();
    expect(wire.pulls).toHaveLength(3);
    wire.entry(21, 21);
    await second;
  });

  test('ask for room for the largest message', async () => {
    const payloadBytesMax = 64 * 1024 * 1024;
    const wire = new Wire(payloadBytesMax);
    const reading = revisions(new SubjectFetch(wire.target, 'c', 0, 1));
    expect(wire.pulls[0]?.max_bytes).toBeGreaterThan(payloadBytesMax);
    wire.entry(1, 1);
    await reading;
  });
});
