import { describe, expect, it } from 'vitest';
import { valuesIn } from '../../sim/job/content.ts';
import type { Codec } from '../../src/formats/parquet/compress.ts';
import { ParquetEncoder } from '../../src/formats/parquet/encoder.ts';
import { recordEnvelope } from '../../src/formats/parquet/envelope.ts';
import { parseYamlSchema } from '../../src/formats/parquet/yamlSchema.ts';

const CODECS: readonly Codec[] = ['none', 'gzip', 'zstd'];
const TOPIC = Buffer.from('numbers');
const KEY = Buffer.from('2:7');

/** A file with a row group for each list of values; pages are small, so that groups have several. */
function fileOf(
  groups: readonly (readonly (string | null)[])[],
  codec: Codec,
  content: 'binary' | 'string' = 'binary',
): Buffer {
  const options = { codec, rowGroupBytes: 1 << 20, pageBytes: 64, createdBy: 'tidemark test' };
  const encoder = new ParquetEncoder(recordEnvelope(content), options);
  const parts: Uint8Array[] = [];
  let offsetDelta = 0;
  for (const values of groups) {
    for (const value of values) {
      const bytes = Buffer.from(value ?? '');
      const place = { valueBytes: bytes, valueStart: value === null ? -1 : 0, valueEnd: bytes.length };
      const key = { keyBytes: KEY, keyStart: 0, keyEnd: KEY.length };
      const record = { ...{ baseOffset: 0n, offsetDelta, timestampMs: 5 }, ...key, ...place };
      expect(encoder.appendRecord(TOPIC, 2, record)).toBeNull();
      offsetDelta += 1;
    }
    parts.push(...encoder.endRowGroup());
  }
  return Buffer.concat([...parts, encoder.footer()]);
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `2:${from + index}`);
const linesOf = (values: readonly (string | null)[]): string =>
  values.map((value) => `${value ?? KEY.toString()}\n`).join('');

describe('the values that checkers see in a Parquet file', () => {
  const groups = [
    numbers(0, 100),
    // Equal ones, which are written by a dictionary.
    Array<string>(200).fill('2:100'),
    [null, '2:101', null, '2:102~ü', ''],
    [null, null],
  ];

  it.each(CODECS)('are those of its records, or the key where there is none, in order, codec %s', (codec) => {
    for (const content of ['binary', 'string'] as const)
      expect(valuesIn(fileOf(groups, codec, content))).toBe(linesOf(groups.flat()));
  });

  it('are none in a file without rows', () => {
    expect(valuesIn(fileOf([], 'zstd'))).toBe('');
  });

  it('are none at all in a file that is cut off, damaged, or of other rows', () => {
    const file = fileOf([numbers(0, 30)], 'zstd');
    const damaged = Buffer.from(file);
    const metadataBytes = file.readUInt32LE(file.length - 8);
    damaged.fill(0, 4, file.length - 8 - metadataBytes);
    const other = new ParquetEncoder(parseYamlSchema({ id: 'long' }), {
      ...{ codec: 'none', rowGroupBytes: 1 << 20, createdBy: 'tidemark test' },
    });
    const bytes = Buffer.from('{"id":1}');
    expect(other.append(bytes, 0, bytes.length)).toBeNull();
    const otherFile = Buffer.concat([...other.endRowGroup(), other.footer()]);
    for (const wrong of [damaged, otherFile]) expect(valuesIn(wrong)).toBe(wrong.toString('latin1'));
    const values = new Set(numbers(0, 30));
    expect(
      valuesIn(file.subarray(0, -1))
        .split('\n')
        .filter((line) => values.has(line)),
    ).toEqual([]);
  });
});
