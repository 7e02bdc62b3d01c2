/** Says how files differ from the source's records: reads both again, and names offsets and lines. */
import { hasRowsFile } from '../../../actors/naming.ts';
import { Crc64 } from '../../../kernels/crc64.ts';
import { isStoreFailure, type StoreFailure } from '../../stores/failure.ts';
import type { PartitionHistory } from '../partitionHistory.ts';
import type { Group } from './group.ts';
import type { Holder } from './holders.ts';
import { differencesOf, fileLines, recordLines, type LineDifference } from './lineItems.ts';
import { FileUnreadable, linesIn, type FileReading } from './linesIn.ts';
import { linesOf, LineSums } from './lineSums.ts';
import type { RecordRule } from './recordRule.ts';
import type { RangeToRead } from './sourceRecords.ts';

/** Differences of one file that are reported one by one. */
const TOLD_MAX = 20;

export interface DifferencesOptions {
  readonly history: PartitionHistory;
  /** What the source holds. */
  readonly range: RangeToRead;
  readonly files: FileReading;
  readonly rule: RecordRule;
  readonly isGivenUp: (offset: bigint) => boolean;
}

export interface Explained {
  /** Lines whose records were removed from the source since. */
  readonly removed: number;
  /** False if the files could not be read, or if it cannot be told. */
  readonly isCompared: boolean;
}

type OnFailure = (file: Holder, error: unknown) => Promise<void> | void;

const NOT_COMPARED: Explained = { removed: 0, isCompared: false };

export class Differences {
  readonly #options: DifferencesOptions;

  constructor(options: DifferencesOptions) {
    this.#options = options;
  }

  /** Whether the files of a group hold its lines together, in any order. */
  async holdsLines(group: Group): Promise<boolean> {
    const sums = await this.#sumsOf(group, (_, error) => {
      mustBeOfFile(error);
    });
    return sums !== null && group.sums !== null && sums.equals(group.sums);
  }

  /** Whether a file whose bytes are not its lines holds exactly the group's records, in their order. */
  async holdsExactly(group: Group, file: Holder): Promise<boolean> {
    if (file.records !== group.records) return false;
    const crc = new Crc64();
    let length = 0;
    try {
      for await (const bytes of linesIn(file, this.#options.files)) {
        crc.update(bytes);
        length += bytes.length;
      }
    } catch (error) {
      mustBeOfFile(error);
      return false;
    }
    return length === group.length && crc.hex() === group.crc64;
  }

  /**
   * Reports how a group that differs does so.
   * @param mayBeRemoved whether the source may have held records that it does not hold any more.
   */
  explain(group: Group, mayBeRemoved: boolean): Promise<Explained> {
    const { only } = group;
    return only === null
      ? this.#explainGroup(group, mayBeRemoved)
      : this.#explainFile(group, only, mayBeRemoved);
  }

  async #explainFile(group: Group, file: Holder, mayBeRemoved: boolean): Promise<Explained> {
    if (!file.isCommitted) {
      this.#foundInAll(group, file.records);
      return { removed: 0, isCompared: true };
    }
    const { history, range, rule, isGivenUp } = this.#options;
    const own = { ...range, from: file.firstOffset, to: file.lastOffset + 1n };
    const expected = recordLines(own, (cursor, offset) => {
      const place = isGivenUp(offset) ? null : rule.placeOf(cursor);
      return place?.type === 'line' && place.key === group.key ? rule.line : null;
    });
    let removed = 0;
    const differences = new FileDifferences(history, file);
    let holes = { before: null as bigint | null, left: 0n };
    try {
      for await (const difference of differencesOf(expected, fileLines(linesIn(file, this.#options.files)))) {
        if (difference.type === 'unexpected' && mayBeRemoved) {
          const { before } = difference;
          const at = before?.offset ?? null;
          if (holes.before !== at || holes.left === 0n)
            holes = { before: at, left: before?.holesBefore ?? file.lastOffset - file.firstOffset };
          if (holes.left > 0n) {
            holes.left -= 1n;
            removed += 1;
            continue;
          }
        }
        differences.add(difference);
      }
    } catch (error) {
      await this.#couldNotRead(file, error);
      return NOT_COMPARED;
    }
    differences.tell();
    return { removed, isCompared: true };
  }

  /** Which of several files a record is missing from is not known. */
  async #explainGroup(group: Group, mayBeRemoved: boolean): Promise<Explained> {
    const sums = await this.#sumsOf(group, (file, error) => this.#couldNotRead(file, error));
    if (sums === null || group.sums === null) return NOT_COMPARED;
    if (mayBeRemoved && sums.lines > group.sums.lines) return NOT_COMPARED;
    this.#foundInAll(group, sums.lines);
    return { removed: 0, isCompared: true };
  }

  /**
   * Null if a file cannot be read, or has not its final name yet.
   * @param onFailure called for each file that cannot be read; what it throws ends the reading.
   */
  async #sumsOf({ holders }: Group, onFailure: OnFailure): Promise<LineSums | null> {
    if (holders.some(({ isCommitted }) => !isCommitted)) return null;
    const sums = new LineSums();
    let isWhole = true;
    for (const holder of holders) {
      try {
        for await (const line of linesOf(linesIn(holder, this.#options.files))) sums.add(line);
      } catch (error) {
        await onFailure(holder, error);
        isWhole = false;
      }
    }
    return isWhole ? sums : null;
  }

  /** Reports it if the file is damaged; nothing if it is gone. Throws what says nothing of the file. */
  async #couldNotRead({ uri, length, crc64 }: Holder, error: unknown): Promise<void> {
    const failure = mustBeOfFile(error);
    if (!(failure instanceof FileUnreadable)) return;
    const { history, files } = this.#options;
    const bytes = await files.store.verify(uri, { length, crc64 }, { signal: files.signal });
    if (bytes.type === 'missing') return;
    const judged =
      bytes.type === 'same'
        ? `The journal agrees with its ${length} bytes of CRC-64 ${crc64}: Tidemark has written it so. ` +
          'Keep the file, and report it'
        : 'The journal does not agree with its bytes: restore the file';
    history.found('FILE_UNREADABLE', `${failure.message} ${judged}`, { uri, seq: null });
  }

  #foundInAll({ holders, lastOffset, sums, records }: Group, found: number): void {
    const [first] = holders;
    const { history } = this.#options;
    const expected = sums?.lines ?? records;
    const where = holders.map(({ uri }) => uri).join(', ');
    const message =
      `offsets ${first?.firstOffset ?? 0n} to ${lastOffset} are ${expected} lines, and ${where} ` +
      (found === expected ? 'hold as many, but others' : `hold ${found}`);
    const code = found < expected ? 'RECORD_MISSING' : 'RECORD_UNEXPECTED';
    history.found(code, message, { uri: first?.uri ?? null, seq: null, offset: first?.firstOffset ?? null });
  }
}

/** Returns what says that the file is damaged or gone; throws anything else. */
function mustBeOfFile(error: unknown): FileUnreadable | StoreFailure {
  if (error instanceof FileUnreadable || isStoreFailure(error, 'missing')) return error;
  throw error;
}

/** Of one file, until it has been read to its end: what is read of a damaged one may be wrong. */
class FileDifferences {
  readonly #history: PartitionHistory;
  readonly #uri: string;
  readonly #noun: 'line' | 'row';
  readonly #first: LineDifference[] = [];
  readonly #more = { missing: 0, unexpected: 0 };

  constructor(history: PartitionHistory, { uri, format }: Holder) {
    this.#history = history;
    this.#uri = uri;
    this.#noun = hasRowsFile(format) ? 'row' : 'line';
  }

  add(difference: LineDifference): void {
    if (this.#first.length < TOLD_MAX) this.#first.push(difference);
    else this.#more[difference.type] += 1;
  }

  /** Reports the first ones one by one, and how many more there are. */
  tell(): void {
    for (const difference of this.#first) this.#tellOne(difference);
    const { missing, unexpected } = this.#more;
    const at = { uri: this.#uri, seq: null };
    if (missing > 0) this.#history.found('RECORD_MISSING', `${missing} more are not in ${this.#uri}`, at);
    if (unexpected === 0) return;
    const message = `${unexpected} more ${this.#noun}s of ${this.#uri} are no records`;
    this.#history.found('RECORD_UNEXPECTED', message, at);
  }

  #tellOne(difference: LineDifference): void {
    const [uri, seq] = [this.#uri, null];
    if (difference.type === 'missing') {
      const { offset } = difference.record;
      this.#history.found('RECORD_MISSING', `offset ${offset} is not in ${uri}`, { uri, seq, offset });
      return;
    }
    const { line, before } = difference;
    const where = before === null ? 'at its end' : `before offset ${before.offset}`;
    const message = `${this.#noun} ${line} of ${uri} is no record of the source, ${where}`;
    this.#history.found('RECORD_UNEXPECTED', message, { uri, seq, offset: before?.offset ?? null });
  }
}
