/** Removes orphans: each by exactly the name, or the upload, under which it was listed. */
import { asTidemarkError } from '../../journal/errors.ts';
import type { Store } from '../stores/port.ts';
import { forEachBounded } from '../system/concurrency.ts';
import type { Orphan } from './orphansReport.ts';

const REMOVALS_AT_ONCE = 8;

export type Removal =
  | { readonly type: 'removed' }
  /** Younger than asked for. */
  | { readonly type: 'spared' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

export interface RemovingOptions {
  readonly minAgeMs: number;
  readonly signal: AbortSignal;
  /** Called after each with the number of those that were looked at; may be called at any rate. */
  readonly onProgress: (done: number) => void;
}

/** In the order of the orphans. One that fails keeps none of the others. Rejects with the signal's reason. */
export async function removeOrphans(
  { temporaries }: Pick<Store, 'temporaries'>,
  orphans: readonly Orphan[],
  { minAgeMs, signal, onProgress }: RemovingOptions,
): Promise<readonly Removal[]> {
  const removals: Removal[] = [];
  let done = 0;
  await forEachBounded(orphans.entries(), REMOVALS_AT_ONCE, async ([index, orphan]) => {
    signal.throwIfAborted();
    removals[index] =
      orphan.ageMs < minAgeMs ? { type: 'spared' } : await removed(() => temporaries.remove(orphan));
    done += 1;
    onProgress(done);
  });
  return removals;
}

async function removed(remove: () => Promise<void>): Promise<Removal> {
  try {
    await remove();
    return { type: 'removed' };
  } catch (error) {
    const { code, message } = asTidemarkError(error, 'Removing a temporary file');
    return { type: 'failed', code, message };
  }
}
