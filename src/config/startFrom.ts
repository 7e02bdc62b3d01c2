/** earliest and latest, the group's committed offset (earliest where there is none), or the first record at or after a time. */
export type StartFrom =
  { readonly type: 'earliest' | 'latest' | 'group' } | { readonly type: 'time'; readonly atMs: number };
