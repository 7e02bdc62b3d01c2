import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionHost, type EntryAppender } from '../../../src/partition/partitionHost.ts';
import {
  FOLD_VERSION,
  PartitionLedger,
  type LedgerFacts,
  type PartFileStatus,
} from '../../../actors/ledger.ts';
import { decodeEntry, encodeEntry } from '../../../journal/entry.ts';
import type { PartChange, PartitionEvent } from '../../../journal/events.ts';
import type { PartId } from '../../../journal/ids.ts';
import { entryHash, jobName, journalId, NO_HASH } from '../../../journal/ids.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../journal/snapshot.ts';
import { partitionSubject } from '../../../journal/subjects.ts';
import {
  change,
  checkpointed,
  claim,
  claimed,
  partOpened,
  piece,
  rolled,
  stopped,
  temporaryName,
} from '../../model/samples.ts';

/** What happens to a partition, drawn blindly; what does not fit its state is left out. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('open' as const), bucket: fc.nat(2) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('checkpoint' as const),
      /** Bit by bit, which files are named and which of them rolled. */
      named: fc.noBias(fc.nat(255)),
      rolled: fc.noBias(fc.nat(255)),
      pieces: fc.nat(2),
    }),
  },
  { weight: 9, arbitrary: fc.record({ type: fc.constant('commitOne' as const), at: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('discardOne' as const), at: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pieceOfNone' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('roll' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('crash' as const), takesOver: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stop' as const), acceptsLoss: fc.boolean() }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** Writes the history of a partition through hosts, one per epoch, as its owners would. */
class Historian {
  readonly entries: (readonly PartitionEvent[])[] = [];
  readonly #appender: EntryAppender = {
    entryBytesMax: 4_000,
    measure: (events) => bytesOf(events).byteLength,
    append: async (events) => {
      this.entries.push(journaled(events));
    },
  };
  /** What was kept after each entry, as it is stored. */
  readonly kept: Uint8Array[] = [];
  #host = this.#hostOf(new PartitionLedger());
  #opened = 0;
  #lengths = 0;

  get ledger(): PartitionLedger {
    return this.#host.ledger;
  }

  #hostOf(ledger: PartitionLedger): PartitionHost {
    return new PartitionHost(ledger, this.#appender, () => {
      this.kept.push(encodeSnapshot({ ...place, state: ledger.capture() }));
    });
  }

  /** A new owner: replays what is there, claims, and where it is not stopped settles and runs. */
  async claim(): Promise<void> {
    const ledger = new PartitionLedger();
    for (const entry of this.entries) ledger.fold(entry);
    const epoch = ledger.facts.epoch + 1;
    ledger.note({ type: 'replayed', ownClaimId: claim(epoch) });
    this.#host = this.#hostOf(ledger);
    await this.#journal(claimed(epoch, 40n));
  }

  async settle(takesOver: boolean): Promise<void> {
    if (this.ledger.status !== 'settling') return;
    for (const id of this.#ids('pending')) await this.#journal({ type: 'partCommitted', partId: id });
    for (const id of this.#ids('discarding')) await this.#journal({ type: 'partDiscarded', partId: id });
    const inherited = this.#ids('inProgress');
    if (takesOver && inherited.length > 0) await this.#takeOver(inherited);
    this.ledger.note({ type: 'settled' });
  }

  async #takeOver(inherited: readonly PartId[]): Promise<void> {
    const changes: PartChange[] = [];
    for (const id of inherited) {
      const toUri = temporaryName(1_000 + this.#lengths++);
      await this.#journal({ type: 'partMoved', partId: id, fromUri: temporaryName(1), toUri });
      const durable = this.ledger.part(id)?.context.durable;
      if (durable !== null && durable !== undefined)
        changes.push({ ...durable, partId: id, state: 'pending', roll: { reason: 'recovery', atMs: 1 } });
    }
    const { checkpoint, nextOffset } = this.ledger.facts;
    await this.#journal(checkpointed(checkpoint + 1, nextOffset ?? 0n, changes));
  }

  async happens(one: Happening): Promise<void> {
    if (one.type === 'crash') {
      await this.claim();
      if (this.ledger.status === 'stopped') await this.#resume();
      return this.settle(one.takesOver);
    }
    if (this.ledger.status !== 'running') return;
    switch (one.type) {
      case 'open':
        this.#opened += 1;
        return this.#journal(partOpened(this.#opened, `hour-${one.bucket}`));
      case 'checkpoint':
        return this.#checkpoint(one);
      case 'commitOne':
        return this.#end('pending', 'partCommitted', one.at);
      case 'discardOne':
        return this.#end('open', 'partDiscarded', one.at);
      case 'pieceOfNone':
        this.ledger.note({ type: 'checkpointStarted' });
        await this.#journal(piece(this.ledger.facts.checkpoint + 1, 0, this.#changes(255, 0)));
        this.ledger.note({ type: 'checkpointFailed' });
        return;
      case 'roll':
        return this.#journal({ type: 'rollRequested', requestId: this.ledger.facts.lastRequestId + 1 });
      case 'stop':
        return this.#stop(one.acceptsLoss);
    }
  }

  /** Several inputs at once: the host makes as few entries of them as it can. */
  async #checkpoint(one: Extract<Happening, { type: 'checkpoint' }>): Promise<void> {
    const { checkpoint, nextOffset } = this.ledger.facts;
    const changes = this.#changes(one.named, one.rolled);
    const pieces = Array.from({ length: one.pieces }, (_, index) => changes.slice(index, index + 1));
    const last = changes.slice(one.pieces);
    this.ledger.note({ type: 'checkpointStarted' });
    await Promise.all([
      ...pieces.map((parts, index) => this.#journal(piece(checkpoint + 1, index, parts))),
      this.#journal(checkpointed(checkpoint + 1, (nextOffset ?? 0n) + 10n, last, pieces.length)),
    ]);
  }

  #changes(named: number, rolls: number): PartChange[] {
    return [...this.#ids('open'), ...this.#ids('inProgress')].flatMap((id, index) => {
      if (((named >> index) & 1) === 0) return [];
      this.#lengths += 1;
      const number = Number.parseInt(id, 16);
      return [change(number, 100 + this.#lengths * 10, ((rolls >> index) & 1) === 0 ? null : rolled)];
    });
  }

  async #end(status: PartFileStatus, type: 'partCommitted' | 'partDiscarded', at: number): Promise<void> {
    const ids = this.#ids(status);
    const id = ids[at % Math.max(1, ids.length)];
    if (id !== undefined) await this.#journal({ type, partId: id });
  }

  async #stop(acceptsLoss: boolean): Promise<void> {
    await this.#journal(stopped);
    const requestId = this.ledger.facts.lastRequestId + 1;
    const fromOffset = this.ledger.facts.nextOffset ?? 0n;
    if (acceptsLoss) {
      await this.#journal({ type: 'lossAccepted', requestId, fromOffset, toOffset: fromOffset + 5n });
    }
  }

  async #resume(): Promise<void> {
    await this.#journal({ type: 'resumeRequested', requestId: this.ledger.facts.lastRequestId + 1 });
    await this.claim();
  }

  #ids(status: PartFileStatus): PartId[] {
    return [...this.ledger.parts(status)].map(({ context }) => context.partId);
  }

  #journal(event: PartitionEvent): Promise<void> {
    return this.#host.submit(() => [event]);
  }
}

function bytesOf(events: readonly PartitionEvent[]): Uint8Array {
  const at = '2026-01-02T03:04:05.006Z';
  const entry = {
    v: 2,
    minReader: 2,
    job: 'clicks',
    topic: 'clicks',
    partition: 0,
    epoch: 1,
    claimId: claim(1),
    seq: 1,
    at,
  };
  return encodeEntry({ ...entry, prevHash: NO_HASH, events });
}

/** What a replay would read. */
function journaled(events: readonly PartitionEvent[]): readonly PartitionEvent[] {
  return decodeEntry(bytesOf(events), 'The entry').events as readonly PartitionEvent[];
}

const place = {
  journalId: journalId('the-journal'),
  subject: partitionSubject(jobName('clicks'), { topic: 'clicks', partition: 0 }),
  foldVersion: FOLD_VERSION,
  tail: { revision: 1, seq: 1, hash: entryHash('a'.repeat(64)) },
};

/** A ledger from a snapshot, with the entries behind it folded. */
function goneOn(
  kept: Uint8Array | undefined,
  entries: readonly (readonly PartitionEvent[])[],
): PartitionLedger {
  const snapshot = decodeSnapshot(kept ?? new Uint8Array());
  if (snapshot === null) throw new Error('The snapshot was not read back.');
  const ledger = PartitionLedger.restored(snapshot.state as LedgerFacts);
  for (const entry of entries) ledger.fold(entry);
  return ledger;
}

/** All that a ledger knows, but for where its own process stands. */
function knowledge(ledger: PartitionLedger) {
  const { ownClaimId: _, ...facts } = ledger.facts;
  return {
    facts,
    parts: [...ledger.parts()],
    buckets: [...ledger.buckets].map(([bucket, { value, context }]) => ({ bucket, value, context })),
    committedFiles: ledger.committedFiles,
  };
}

function foldedBy(groups: readonly (readonly PartitionEvent[])[]): PartitionLedger {
  const ledger = new PartitionLedger();
  for (const group of groups) ledger.fold(group);
  return ledger;
}

describe('replay', () => {
  it('gives what the owners knew, from all entries, or from a snapshot and those after it', async () => {
    const counts = { snapshots: 0, entries: 0, committed: 0, claims: 0, withPieces: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 60 }), async (happenings) => {
        const historian = new Historian();
        await historian.claim();
        await historian.settle(true);
        for (const one of happenings) await historian.happens(one);
        const { entries, ledger, kept } = historian;
        expect(kept).toHaveLength(entries.length);
        for (let at = 0; at < entries.length; at += 1) {
          if (at % 5 !== 0) continue;
          const resumed = goneOn(kept[at], []);
          expect(resumed.status).toBe('replaying');
          expect(knowledge(resumed)).toEqual(knowledge(foldedBy(entries.slice(0, at + 1))));
          expect(knowledge(goneOn(kept[at], entries.slice(at + 1)))).toEqual(knowledge(ledger));
          counts.snapshots += 1;
        }
        expect(knowledge(foldedBy(entries))).toEqual(knowledge(ledger));
        expect(knowledge(foldedBy(entries.flat().map((event) => [event])))).toEqual(knowledge(ledger));
        counts.entries += entries.length;
        counts.committed += ledger.committedFiles;
        counts.claims += ledger.facts.epoch;
        counts.withPieces += entries.flat().filter((event) => event.type === 'checkpointPart').length;
      }),
      { seed: 20260102, numRuns: 100 },
    );
    // The histories were worth it.
    expect(counts.entries).toBeGreaterThan(1_000);
    expect(counts.snapshots).toBeGreaterThan(200);
    expect(counts.committed).toBeGreaterThan(100);
    expect(counts.claims).toBeGreaterThan(200);
    expect(counts.withPieces).toBeGreaterThan(200);
  });
});
