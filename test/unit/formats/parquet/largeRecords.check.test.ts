import { describe, expect, it } from 'vitest';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { appendAll, encoderOf, finish, readRows } from './files.ts';

describe('a record', { timeout: 120_000 }, () => {
  it('may be 100 MB of nested JSON that nobody asked for', () => {
    const encoder = encoderOf(parseYamlSchema({ id: 'long' }));
    const piece = `${'[{"a":'.repeat(100)}1${'}]'.repeat(100)},`;
    const text = Buffer.from(`{"x":[${piece.repeat(Math.ceil(1e8 / piece.length))}0],"id":1}`);
    expect(text.length).toBeGreaterThan(1e8);
    expect(encoder.append(text, 0, text.length)).toBeNull();
    expect(encoder.append(text, 0, text.length - 1)).toMatchObject({ reason: 'syntax' });
    expect(encoder.rows).toBe(1);
  });

  it('may have 10,000 columns', async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`c${index}?`, 'long']));
    const encoder = encoderOf(parseYamlSchema(fields));
    appendAll(encoder, ['{"c9999":1}', '{}', '{"c0":2,"c5000":3}']);
    const rows = (await readRows(finish(encoder))) as Record<string, unknown>[];
    expect(rows.map(({ c0, c5000, c9999 }) => [c0, c5000, c9999])).toEqual([
      [null, null, 1n],
      [null, null, null],
      [2n, 3n, null],
    ]);
  });
});
