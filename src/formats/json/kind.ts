import { type FormatKind, OF_LINES } from '../kind.ts';
import { RecordLine } from './recordLine.ts';
import { ValueLine } from './valueLine.ts';

export const JSON_FORMAT: FormatKind = {
  ...OF_LINES,
  name: 'json',
  description: 'one line of JSON for each record: its value, checked, or all of the record (sink.envelope).',
  suffix: '.json',
  envelopes: ['value', 'record'],
  id: ({ envelope, keyDecode, valueDecode }) =>
    envelope === 'value' ? 'json' : `json-record-${keyDecode}-${valueDecode}`,
  recordsOf: (partition, { envelope, keyDecode, valueDecode }) =>
    envelope === 'value'
      ? new ValueLine()
      : new RecordLine(partition, { key: keyDecode, value: valueDecode }),
};
