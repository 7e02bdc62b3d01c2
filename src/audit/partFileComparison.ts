/** Compares the part files of the journal with the destination, and says in words how they differ. */
import type { PartFileView, PartitionLedger } from '../../actors/ledger.ts';
import { rowsUri } from '../../actors/naming.ts';
import { rowsOf } from '../writing/rowsHandle.ts';
import type { StoreReading } from '../stores/reading.ts';
import type { Findings } from './findings.ts';
import type { CommittedPart, PartitionHistory } from './partitionHistory.ts';
import { Verifier, type Difference, type ExpectedFile } from './verifier.ts';

/** Whether a committed file may be gone, because others have moved it away. */
export type MovedAway = (file: { readonly uri: string; readonly committedAt: string }) => boolean;

export interface ComparisonOptions {
  readonly reading: StoreReading;
  readonly moved: MovedAway;
  readonly signal: AbortSignal;
  readonly findings: Findings;
}

/** A file that is not as the journal says, in a partition that may still be changing. */
export interface OpenDifference {
  readonly difference: Difference;
  /** What the journal says: equal texts mean that nothing has changed since. */
  readonly journaled: string;
}

export class PartFileComparison {
  readonly #moved: MovedAway;
  readonly #showsUnpublished: boolean;
  readonly #verifier: Verifier;
  /** Committed files that are gone, as it was said they may be. */
  moved = 0;
  comparedBytes = 0;
  readonly #hidden = new Set<string>();

  constructor({ reading, moved, signal, findings }: ComparisonOptions) {
    this.#moved = moved;
    this.#showsUnpublished = reading.showsUnpublished;
    this.#verifier = new Verifier({
      ...{ reading, signal },
      onBytes: (bytes) => {
        this.comparedBytes += bytes;
      },
      onHidden: (uri) => this.#hidden.add(uri),
      onFailure: (error) => findings.couldNot('the content of the files', error),
    });
  }

  get files(): number {
    return this.#verifier.files;
  }

  /** Files that nobody can see before they are published, or only their writer can read now. */
  get hidden(): number {
    return this.#hidden.size;
  }

  /** Resolves when there is room for the next one. */
  async committed({ part, durable, seq, at }: CommittedPart, history: PartitionHistory): Promise<void> {
    const { length, crc64 } = durable;
    const file = { uris: [part.finalUri], length, crc64, isGrowing: false };
    await this.#verifier.add(file, (difference) => {
      const { type, uri } = difference;
      if (type === 'missing' && this.#moved({ uri, committedAt: at })) this.moved += 1;
      else report({ difference, journaled: `was committed with ${sizeText(file)}` }, history, seq);
    });
  }

  /**
   * Compares the files that are neither committed nor discarded. The others of the partition were added
   * before.
   */
  async open(ledger: PartitionLedger): Promise<readonly OpenDifference[]> {
    const found: OpenDifference[] = [];
    for (const view of ledger.parts()) {
      for (const file of [expectedOf(view), expectedRowsOf(view)]) {
        if (file === null) continue;
        const journaled = `is ${STATES[view.status] ?? view.status} with ${sizeText(file)}`;
        await this.#verifier.add(file, (difference) => {
          if (difference.type === 'missing' && !this.#showsUnpublished) this.#hidden.add(difference.uri);
          else found.push({ difference, journaled });
        });
      }
    }
    await this.#verifier.idle();
    return found;
  }

  idle(): Promise<void> {
    return this.#verifier.idle();
  }
}

const STATES: Partial<Record<PartFileView['status'], string>> = {
  inProgress: 'in progress',
  pending: 'to be published',
};

/** Null for a file that no checkpoint holds: nothing is promised of its bytes. */
function expectedOf({ status, context }: PartFileView): ExpectedFile | null {
  const { durable, finalUri, temporaryUri, copyUri, staleUris } = context;
  if (durable === null || (status !== 'pending' && status !== 'inProgress')) return null;
  const moving = [temporaryUri, ...(copyUri === null ? [] : [copyUri]), ...staleUris.toReversed()];
  const uris = status === 'pending' ? [temporaryUri, finalUri] : moving;
  return { uris, length: durable.length, crc64: durable.crc64, isGrowing: status === 'inProgress' };
}

/** The rows file beside a file in progress; null if it has none. */
function expectedRowsOf({ status, context }: PartFileView): ExpectedFile | null {
  const { durable, temporaryUri } = context;
  const rows = durable === null || status !== 'inProgress' ? null : rowsOf(durable);
  return rows === null ? null : { uris: [rowsUri(temporaryUri)], ...rows, isGrowing: true };
}

const sizeText = ({ length, crc64 }: ExpectedFile): string => `${length} bytes of CRC-64 ${crc64}`;

export function report(
  { difference, journaled }: OpenDifference,
  history: PartitionHistory,
  seq: number | null,
): void {
  const { uri } = difference;
  if (difference.type === 'missing') {
    history.found('FILE_MISSING', `${uri} ${journaled}, and is not there`, { uri, seq });
    return;
  }
  const crc = difference.crc64 === null ? '' : ` of CRC-64 ${difference.crc64}`;
  history.found('FILE_DIFFERS', `${uri} ${journaled}, and holds ${difference.length} bytes${crc}`, {
    uri,
    seq,
  });
}
