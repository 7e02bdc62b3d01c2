import { StoreFailure } from '../../stores/failure.ts';

/** The rows that a checkpoint has kept are not as they were written. @param what continues "they". */
export function rowsDamaged(what: string, cause?: unknown): StoreFailure {
  const message =
    `The rows of a Parquet file, as a checkpoint has kept them beside it, cannot be read: they ${what}. ` +
    'Restore the rows file, then resume.';
  return new StoreFailure('contentDiffers', message, cause === undefined ? {} : { cause });
}
