/**
 * A kind of format: the content of a part file. Each kind has a folder here, and a line in src/app/kinds.ts.
 */
export interface FormatKind {
  /** The value of `sink.format`, also journaled for each part file. */
  readonly name: string;
  /** A sentence for people. */
  readonly description: string;
}
