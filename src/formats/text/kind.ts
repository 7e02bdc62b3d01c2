import { type FormatKind, OF_LINES } from '../kind.ts';
import { TextLine } from './line.ts';

/**
 * Lines. src/writing/recordRouter.ts writes them record by record, the kernel kernels/lines.ts many at once.
 */
export const TEXT_FORMAT: FormatKind = {
  ...OF_LINES,
  name: 'text',
  description: "a record's value, untouched, and a line feed.",
  suffix: '',
  takesLineFeeds: true,
  envelopes: ['value'],
  id: () => 'text',
  recordsOf: (_partition, { lineFeeds }) => new TextLine(lineFeeds),
};
