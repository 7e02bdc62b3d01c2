/**
 * Which listed names are of part files of one partition, and whether one of these may still need them.
 *
 * A part file that is committed or discarded is so for ever, whatever follows in the journal: its names hold
 * nothing that is needed, and no later file gets them, because they are random. So only what the journal is
 * seen to hold makes something an orphan, and a reader that is behind its end, or an owner that goes on
 * meanwhile, cannot make one of what is needed. All names that a part file ever had are its own until it has
 * ended: a takeover may look for its bytes under any of them.
 *
 * An upload is begun before its id is journaled. One whose id is not there is an orphan when no part file can
 * get its final name any more.
 */
import type { Entry } from '../../journal/entry.ts';
import type { EventOf, JournalEvent } from '../../journal/events.ts';
import type { PartId } from '../../journal/ids.ts';
import type { Temporaries } from '../stores/temporaries.ts';
import type { Listed, ListedItem } from './listed.ts';

/** The entry that made a name possible. */
export interface Maker {
  readonly seq: number;
  /** ISO time, by the writer's clock. */
  readonly at: string;
  readonly epoch: number;
  readonly claimId: string;
  /** `host:pid`; null if it is not known. */
  readonly owner: string | null;
}

export type PartEnd = 'committed' | 'discarded';

/** A listed name, and the part file that it is of. */
export interface Judged {
  readonly item: ListedItem;
  readonly part: { readonly partId: PartId; readonly finalUri: string };
  readonly madeBy: Maker;
  /** What became of the part file; null if it may still need the name. */
  readonly end: PartEnd | null;
}

/** Where the partition's reading stands. */
export interface ReadingPosition {
  readonly nextOffset: bigint | null;
  readonly generation: number;
}

interface Life {
  readonly partId: PartId;
  readonly finalUri: string;
  readonly firstOffset: bigint;
  readonly generation: number;
  readonly madeBy: Maker;
  readonly uploadIds: Set<string>;
  end: PartEnd | null;
}

export class PartitionNames {
  readonly #listed: Listed;
  readonly #uploadIdOf: Temporaries['uploadIdOf'];
  readonly #live = new Map<PartId, Life>();
  readonly #byItem = new Map<ListedItem, { readonly life: Life; readonly madeBy: Maker }>();
  /** Of listed uploads: part files with that final name. */
  readonly #byFinal = new Map<string, Life[]>();
  #owner: string | null = null;

  constructor(listed: Listed, uploadIdOf: Temporaries['uploadIdOf']) {
    this.#listed = listed;
    this.#uploadIdOf = uploadIdOf;
  }

  /** Call it with each entry of the partition, in order. */
  take(entry: Entry): void {
    for (const event of entry.events) this.#event(event, entry);
  }

  #event(event: JournalEvent, entry: Entry): void {
    switch (event.type) {
      case 'epochClaimed':
        this.#owner = event.owner ?? null;
        return;
      case 'partOpened':
        this.#opened(event, this.#makerOf(entry));
        return;
      case 'partStarted':
        this.#started(event);
        return;
      case 'partMoved':
        this.#named(this.#live.get(event.partId), event.toUri, this.#makerOf(entry));
        return;
      case 'partCommitted':
        this.#ended(event.partId, 'committed');
        return;
      case 'partDiscarded':
        this.#ended(event.partId, 'discarded');
        return;
      default:
        return;
    }
  }

  #makerOf({ seq, at, epoch, claimId }: Entry): Maker {
    return { seq, at, epoch, claimId, owner: this.#owner };
  }

  #opened(event: EventOf<'partOpened'>, madeBy: Maker): void {
    const { partId, finalUri, temporaryUri, firstOffset, generation } = event;
    const names = { partId, finalUri, firstOffset, generation };
    const life: Life = { ...names, madeBy, end: null, uploadIds: new Set() };
    this.#live.set(partId, life);
    for (const item of this.#listed.keptOf(partId)) this.#byItem.set(item, { life, madeBy });
    this.#named(life, temporaryUri, madeBy);
    if (this.#listed.uploadsOf(finalUri).length === 0) return;
    const others = this.#byFinal.get(finalUri);
    if (others === undefined) this.#byFinal.set(finalUri, [life]);
    else others.push(life);
  }

  #started({ partId, handle }: EventOf<'partStarted'>): void {
    const uploadId = this.#uploadIdOf(handle);
    if (uploadId !== null) this.#live.get(partId)?.uploadIds.add(uploadId);
  }

  #named(life: Life | undefined, journaledUri: string, madeBy: Maker): void {
    if (life === undefined) return;
    for (const item of this.#listed.ofName(journaledUri)) this.#byItem.set(item, { life, madeBy });
  }

  #ended(partId: PartId, end: PartEnd): void {
    const life = this.#live.get(partId);
    if (life !== undefined) life.end = end;
    this.#live.delete(partId);
  }

  /** Call it when all entries were taken. Every listed name of this partition, once. */
  *judged(position: ReadingPosition): Generator<Judged> {
    for (const [item, { life, madeBy }] of this.#byItem) yield { item, part: life, madeBy, end: life.end };
    for (const [finalUri, lives] of this.#byFinal)
      for (const item of this.#listed.uploadsOf(finalUri)) yield judgedUpload(item, lives, position);
  }
}

function judgedUpload(item: ListedItem, lives: readonly Life[], position: ReadingPosition): Judged {
  const own = lives.find(({ uploadIds }) => uploadIds.has(item.uploadId ?? ''));
  const part = own ?? lastOf(lives);
  const mayBeNeeded = own === undefined && lives.some((life) => mayGoOn(life, position));
  return { item, part, madeBy: part.madeBy, end: mayBeNeeded ? null : part.end };
}

/**
 * Whether the part file, or a later one with its final name, may have an upload that is not journaled yet. A
 * name holds the first offset and the log's generation: what was read beyond that is not read again.
 */
function mayGoOn({ end, firstOffset, generation }: Life, position: ReadingPosition): boolean {
  if (end === null) return true;
  if (end === 'committed' || generation < position.generation) return false;
  return position.nextOffset === null || position.nextOffset <= firstOffset;
}

function lastOf(lives: readonly Life[]): Life {
  const last = lives.at(-1);
  if (last === undefined) throw new RangeError('a final name was noted without a part file');
  return last;
}
