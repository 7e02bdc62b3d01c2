/** Recognizes temporary names, as actors/naming.ts gives them and as stores derive others from them. */
import { partId, type PartId } from '../journal/ids.ts';

/**
 * - `data`: the bytes of a part file. `publishing`: the name it has while it may have been published.
 * - `kept`: a copy that was made for an answer to a journal that went back.
 * - `rows`: the log of rows that the part file does not hold yet.
 * - `sideObject`: the end of an upload that is too short for an upload part, or that a takeover gives it.
 */
export type TemporaryKind = 'data' | 'publishing' | 'kept' | 'rows' | 'sideObject';

export interface TemporaryName {
  readonly kind: TemporaryKind;
  /** The name that the journal holds (partOpened, partMoved) if it is of the job. */
  readonly journaledUri: string;
  /** Id of the part file that a kept copy is of, which may not be journaled; null for all others. */
  readonly keptOf: PartId | null;
}

const NAME = new RegExp(
  String.raw`^\.tidemark-(?<rows>rows-)?(?<id>[0-9a-f]{32})(?<kept>-kept-[0-9a-f]{32})?` +
    String.raw`(?<derived>\.p|\.\d{1,19}|\.end-[0-9a-f]{32})?$`,
);

/** Null for a name that is not, as a whole, one that Tidemark gives. */
export function temporaryName(uri: string): TemporaryName | null {
  const at = uri.lastIndexOf('/') + 1;
  const { rows, id, kept = '', derived } = NAME.exec(uri.slice(at))?.groups ?? {};
  if (id === undefined) return null;
  return {
    kind: kindOf(rows !== undefined, kept !== '', derived),
    journaledUri: `${uri.slice(0, at)}.tidemark-${id}${kept}`,
    keptOf: kept === '' ? null : partId(id),
  };
}

function kindOf(isRows: boolean, isKept: boolean, derived: string | undefined): TemporaryKind {
  if (isRows) return 'rows';
  if (derived === '.p') return 'publishing';
  if (derived !== undefined) return 'sideObject';
  return isKept ? 'kept' : 'data';
}
