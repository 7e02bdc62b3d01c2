/** Why a record does not fit the schema. */

/**
 * - `syntax`: no JSON, or cut off, or something follows it.
 * - `utf8`: text that is no valid Unicode: invalid UTF-8, or half of a surrogate pair.
 * - `tooDeep`: nested deeper than is read.
 * - `notAnObject`: JSON, but no object.
 * - `duplicateKey`: a key of the schema, or of a map, is there twice: nobody can say which one counts.
 * - `missing`: a field that must be there is not, or is null.
 * - `wrongType`: a value of another type than the schema's.
 * - `outOfRange`: a number (or moment) that the type cannot hold.
 * - `precision`: a number with more digits after the point than the type keeps.
 * - `format`: text that is no date, time, uuid, base64 or number, where one is expected.
 * - `length`: bytes of another length than the schema's.
 * - `notASymbol`: text that the enum does not list.
 */
export type BadReason =
  | 'syntax'
  | 'utf8'
  | 'tooDeep'
  | 'notAnObject'
  | 'duplicateKey'
  | 'missing'
  | 'wrongType'
  | 'outOfRange'
  | 'precision'
  | 'format'
  | 'length'
  | 'notASymbol';

export interface BadValue {
  readonly reason: BadReason;
  /** The field concerned: `who.tags[]`. Empty for the record as a whole. */
  readonly path: string;
  /** Where in the record's bytes it was noticed. */
  readonly at: number;
}
