/** Journaled events, read without the product's schema. */

/** A journaled event as JSON; the fields are those of journal/events.ts. */
export type RawEvent = { readonly type: string } & Readonly<Record<string, unknown>>;
export interface RawStop {
  readonly code: string;
  readonly message: string;
  readonly files: readonly string[];
  readonly fromOffset: string | null;
}
export interface RawChange {
  readonly partId: string;
  readonly state: 'inProgress' | 'pending';
  readonly length: number;
  readonly records: number;
  readonly firstOffset: string;
  readonly lastOffset: string;
}

export function divergenceOf(event: RawEvent): number | null {
  const truncation = event['truncation'] as { readonly divergedAt: string } | null | undefined;
  return truncation === null || truncation === undefined ? null : Number(truncation.divergedAt);
}

export function changesOf(event: RawEvent): readonly RawChange[] {
  return event['parts'] as readonly RawChange[];
}
