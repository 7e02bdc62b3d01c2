/**
 * The history of one partition: folds its entries through the machines that ran it, and checks what the
 * machines take for granted. It remembers what the ledger forgets: committed files are handed on, their sums
 * are kept.
 */
import { PartitionLedger, type Stage } from '../../actors/ledger.ts';
import type { Entry } from '../../journal/entry.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import type { EventOf, PartChange, PartitionEvent } from '../../journal/events.ts';
import type { Subject, TopicPartition } from '../../journal/ids.ts';
import type { ReplayedEntry } from '../../journal/replay.ts';
import { checkBelongs, partitionEvents } from '../partition/replayPartition.ts';
import { checkpointChanges } from './checkpointChanges.ts';
import type { FindingCode, OnFinding } from './findings.ts';
import { LiveStates } from './liveStates.ts';
import { OffsetChanges } from './offsetChanges.ts';
import { OpenParts, type OpenPart } from './openParts.ts';
import { PartitionTotals } from './totals.ts';

/** A committed file, as journaled. */
export interface CommittedPart {
  readonly part: OpenPart;
  readonly durable: PartChange;
  readonly seq: number;
  /** ISO time of the entry that journaled the commit. */
  readonly at: string;
}

export interface HistoryOptions {
  readonly partition: TopicPartition;
  readonly subject: Subject;
  readonly onFinding: OnFinding;
  readonly onCommitted: (file: CommittedPart) => void;
}

export class PartitionHistory {
  readonly partition: TopicPartition;
  readonly ledger = new PartitionLedger();
  readonly totals = new PartitionTotals();
  readonly parts = new OpenParts();
  readonly changes = new OffsetChanges();
  readonly #options: HistoryOptions;
  readonly #live = new LiveStates();
  /** Entry that is being folded. */
  #entry: Entry | null = null;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.partition = options.partition;
  }

  /** Folds an entry. False if what follows cannot be judged, because this entry cannot be folded. */
  next({ entry, bytes }: ReplayedEntry): boolean {
    const { partition, subject } = this.#options;
    this.#entry = entry;
    this.totals.entries += 1;
    this.totals.bytes += bytes;
    const stage = this.ledger.stage();
    this.#live.entryBegins();
    try {
      for (const event of partitionEvents(entry.events, subject)) this.#apply(stage, event);
      this.ledger.adopt(stage);
    } catch (error) {
      this.found('TRANSITION_ILLEGAL', asTidemarkError(error, 'Replaying the entry').message);
      return false;
    }
    try {
      checkBelongs(entry, partition, this.ledger, subject);
    } catch (error) {
      this.found('ENTRY_NOT_CLAIMED', asTidemarkError(error, 'Checking the entry').message);
      return false;
    }
    return true;
  }

  /** Reports a finding of this partition: of the entry that is being folded, if nothing else is given. */
  found(
    code: FindingCode,
    message: string,
    at: {
      readonly uri: string | null;
      readonly seq: number | null;
      readonly offset?: bigint | null;
    } = {
      uri: null,
      seq: this.#entry?.seq ?? null,
    },
  ): void {
    const { partition, onFinding } = this.#options;
    onFinding({ code, partition, ...at, message });
  }

  #apply(stage: Stage, event: PartitionEvent): void {
    const before = stage.facts;
    if (!this.#live.take(event.type, before.stop !== null))
      this.found('TRANSITION_ILLEGAL', `"${event.type}" is nothing that an owner journals here`);
    stage.apply(event);
    switch (event.type) {
      case 'epochClaimed':
        this.#claimed(event, before.epoch);
        return;
      case 'partOpened':
        this.totals.opened += 1;
        this.parts.opened(event, before.nextOffset ?? 0n);
        return;
      case 'checkpointCompleted':
        this.#checkpointed(event, before);
        return;
      case 'partCommitted':
        this.#committed(event);
        return;
      case 'partDiscarded':
        this.totals.discarded += 1;
        this.parts.gone(event.partId);
        return;
      case 'lossAccepted':
        this.#lost(before.nextOffset ?? 0n, event);
        return;
      case 'witnessAnswered':
        if (event.loss !== null) this.#lost(before.nextOffset ?? 0n, event.loss);
        return;
      case 'logTruncationAccepted':
        this.#truncated(before, event.divergedAt);
        return;
      case 'partitionRewound':
        this.#rewound(before, event);
        return;
      default:
        return;
    }
  }

  #claimed({ epoch, startOffset }: EventOf<'epochClaimed'>, before: number): void {
    this.totals.claims += 1;
    this.totals.firstOffset ??= startOffset;
    if (epoch !== before + 1) this.found('EPOCH_SKIPPED', `epoch ${epoch} is claimed after epoch ${before}`);
  }

  #checkpointed(event: EventOf<'checkpointCompleted'>, before: Stage['facts']): void {
    const from = before.nextOffset ?? 0n;
    const read = { from, to: event.nextOffset };
    const changes = checkpointChanges(event, before.pieces?.parts ?? []);
    let growth = 0;
    for (const change of changes) {
      growth += this.parts.checkpointed(change, read, ({ part, message }) => {
        this.found('RANGES_CONTRADICT', `${part.finalUri} ${message}`, {
          uri: part.finalUri,
          seq: this.#entry?.seq ?? null,
        });
      });
    }
    const skipped = event.recordsSkipped.nullValue + (event.recordsSkipped.bad ?? 0);
    const held = event.recordsAlreadyHeld ?? 0;
    const { totals } = this;
    totals.checkpoints += 1;
    totals.recordsRead += event.recordsRead;
    totals.recordsSkipped += skipped;
    totals.recordsAlreadyHeld += held;
    totals.recordsWritten += growth;
    if (event.checkpoint !== before.checkpoint + 1)
      this.found(
        'TRANSITION_ILLEGAL',
        `checkpoint ${event.checkpoint} follows checkpoint ${before.checkpoint}`,
      );
    if (event.recordsRead !== growth + skipped + held) {
      this.found(
        'RECORDS_DO_NOT_ADD_UP',
        `checkpoint ${event.checkpoint} has read ${event.recordsRead} records; its files grew by ` +
          `${growth}, ${skipped} were skipped` +
          (held === 0 ? '' : `, and ${held} were in files already`),
      );
    }
    if (held > 0 && before.repair === null) {
      this.found(
        'TRANSITION_ILLEGAL',
        `checkpoint ${event.checkpoint} leaves out ${held} records that are in files already, and nothing ` +
          'is being repaired',
      );
    }
    this.#advanced(event, from);
  }

  #advanced({ checkpoint, nextOffset, recordsRead }: EventOf<'checkpointCompleted'>, from: bigint): void {
    const holes = nextOffset - from - BigInt(recordsRead);
    if (nextOffset < from)
      this.found(
        'OFFSET_WENT_BACK',
        `checkpoint ${checkpoint} goes back from offset ${from} to ${nextOffset}`,
      );
    else if (holes < 0n) {
      this.found(
        'OFFSETS_DO_NOT_ADD_UP',
        `checkpoint ${checkpoint} has read ${recordsRead} records, more than offsets ${from} to ` +
          `${nextOffset} hold`,
      );
    } else this.totals.holes += holes;
  }

  #committed({ partId }: EventOf<'partCommitted'>): void {
    const part = this.parts.gone(partId);
    const durable = part?.durable ?? null;
    if (part === undefined || durable === null || this.#entry === null) return;
    const { totals } = this;
    totals.committed += 1;
    totals.committedRecords += durable.records;
    totals.committedBytes += durable.length;
    const { reason } = durable.roll ?? { reason: 'recovery' as const };
    totals.rolls.set(reason, (totals.rolls.get(reason) ?? 0) + 1);
    totals.buckets.add(part.bucket, durable.records, durable.length);
    this.#options.onCommitted({ part, durable, seq: this.#entry.seq, at: this.#entry.at });
  }

  #lost(from: bigint, { fromOffset, toOffset: to }: { readonly fromOffset: bigint; toOffset: bigint }): void {
    if (fromOffset !== from) {
      const message =
        `the accepted loss of offsets ${fromOffset} to ${to} begins elsewhere ` + `than nextOffset ${from}`;
      this.found('TRANSITION_ILLEGAL', message);
    }
    if (to < from) this.found('OFFSET_WENT_BACK', `an accepted loss goes back from offset ${from} to ${to}`);
    else {
      this.totals.offsetsLost += to - from;
      this.changes.gaveUp(from, to);
    }
  }

  /** What the discarded files held is lost, until it is written again. */
  #rewound(
    { nextOffset, damaged }: Stage['facts'],
    { nextOffset: to, damagedParts, parts }: EventOf<'partitionRewound'>,
  ): void {
    const from = nextOffset ?? 0n;
    const { totals } = this;
    totals.repairs += 1;
    for (const partId of [...(damagedParts === 0 ? [] : (damaged?.parts ?? [])), ...parts])
      totals.recordsLost += this.parts.lost(partId)?.records ?? 0;
    if (to <= from) totals.offsetsRewound += from - to;
    else this.found('TRANSITION_ILLEGAL', `a repair skips offsets ${from} to ${to}`);
  }

  #truncated({ nextOffset, repair }: Stage['facts'], to: bigint): void {
    const from = nextOffset ?? 0n;
    if (repair !== null && to > from) this.changes.replaced(to);
    else if (to <= from) {
      this.totals.offsetsReplaced += from - to;
      this.changes.replaced(to);
    } else this.found('TRANSITION_ILLEGAL', `an accepted truncation skips offsets ${from} to ${to}`);
  }
}
