/**
 * Compares files with what the journal says of them, a few at a time, while the journal is still being read.
 */
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';
import type { Crc64Hex } from '../../journal/ids.ts';
import type { ContentVerdict, StoreReading } from '../stores/reading.ts';
import { isBeingWritten } from '../stores/storedContent.ts';

/** Enough to hide the latency of a remote store. Checksums need the one thread anyway. */
const AT_ONCE = 4;

export interface ExpectedFile {
  /** Names that it can have, the most likely one first. */
  readonly uris: readonly string[];
  readonly length: number;
  readonly crc64: Crc64Hex;
  /** Whether more bytes may follow. */
  readonly isGrowing: boolean;
}

/** How a file differs from what is expected. */
export type Difference = Exclude<ContentVerdict, { readonly type: 'same' }> & { readonly uri: string };

export interface VerifierOptions {
  readonly reading: StoreReading;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  /** Called once, with the store's first error: what it holds is then unknown, and nothing more is read. */
  readonly onFailure: (error: TidemarkError) => void;
  /** Called for a file that nobody but its writer can read now. */
  readonly onHidden: (uri: string) => void;
}

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #running = new Set<Promise<void>>();
  #hasFailed = false;
  /** Files that were compared, whether they differ or not. */
  files = 0;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** Resolves when there is room for the next file. `onDifference` is called before `idle` resolves. */
  async add(file: ExpectedFile, onDifference: (difference: Difference) => void): Promise<void> {
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running);
    this.#options.signal.throwIfAborted();
    if (this.#hasFailed) return;
    const running: Promise<void> = this.#verify(file, onDifference).finally(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** Resolves when all files that were added have been compared. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
    this.#options.signal.throwIfAborted();
  }

  /** Never rejects. */
  async #verify(file: ExpectedFile, onDifference: (difference: Difference) => void): Promise<void> {
    try {
      const difference = await this.#differenceOf(file);
      this.files += 1;
      if (difference !== null) onDifference(difference);
    } catch (error) {
      if (isBeingWritten(error)) {
        this.#options.onHidden(file.uris[0] ?? '');
        return;
      }
      if (this.#hasFailed || this.#options.signal.aborted) return;
      this.#hasFailed = true;
      this.#options.onFailure(asTidemarkError(error, `Reading ${file.uris[0] ?? 'a file'} back`));
    }
  }

  async #differenceOf({ uris, length, crc64, isGrowing }: ExpectedFile): Promise<Difference | null> {
    const { reading, signal, onBytes } = this.#options;
    for (const uri of uris) {
      const verdict = await reading.verify(uri, { length, crc64 }, { prefix: isGrowing, signal, onBytes });
      if (verdict.type === 'same') return null;
      if (verdict.type === 'differs') return { ...verdict, uri };
    }
    return { type: 'missing', uri: uris[0] ?? '' };
  }
}
