import type { FormatKind } from '../kind.ts';

/** Lines: written by src/writing/recordRouter.ts record by record, and by the kernel kernels/lines.ts many at once. */
export const TEXT_FORMAT: FormatKind = {
  name: 'text',
  description: "a record's value, untouched, and a line feed.",
};
