/** Kinds of formats: what a part file holds. Each has a folder here, and a line in src/app/kinds.ts. */
export interface FormatKind {
  /** What `sink.format` says, and what the journal keeps of each part file. */
  readonly name: string;
  /** For people, a sentence. */
  readonly description: string;
}
