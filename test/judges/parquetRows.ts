/** Rows of every type, for judges that read a Parquet file. */
import { expect } from 'vitest';
import type { Codec } from '../../src/formats/parquet/compress.ts';
import { parseYamlSchema } from '../../src/formats/parquet/yamlSchema.ts';
import { appendText, encoderOf } from '../unit/formats/parquet/files.ts';

const COLUMNS = {
  ...{ id: 'long', 'n?': 'int', 'd?': 'double', name: 'string', 'b?': 'boolean', price: 'decimal(30,4)' },
  ...{ at: 'timestamp-millis', 'local?': 'local-timestamp-micros', day: 'date', 'time?': 'time-micros' },
  ...{ 'tags?': ['string?'], who: { name: 'string', 'age?': 'int' }, 'm?': 'map<string,long>' },
  'deep?': 'list<list<int?>?>',
};
export const SCHEMA = parseYamlSchema({ ...COLUMNS, 'uuid?': 'uuid', small: 'decimal(9,2)' });
/** Java's Avro readers take a UUID of 16 bytes for text, and stop. */
export const SCHEMA_FOR_JAVA = parseYamlSchema({ ...COLUMNS, small: 'decimal(9,2)' });

/** A row as JSON. */
export function lineOf(index: number): string {
  const pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  const id = index === 0 ? '-9007199254740993' : String(index);
  const record = {
    ...{
      name: `näme ${index % 50} "${'x'.repeat(index % 90)}"`,
      small: `${index % 1000}.25`,
      price: `${index}.5`,
    },
    at: `2026-01-${pad(1 + (index % 28))}T12:${pad(index % 60)}:00.${pad(index % 1000, 3)}Z`,
    day: `19${pad(index % 100)}-03-01`,
    who: index % 3 === 0 ? { name: 'a' } : { age: index, name: `b${index}` },
    ...(index % 2 === 0 ? { n: -index, d: index / 7, b: index % 4 === 0 } : { n: null }),
    ...(index % 5 === 0 ? {} : { tags: index % 5 === 1 ? [] : ['t', null, `u${index}`] }),
    ...(index % 4 === 0 ? { m: { a: index, 'b c': 1 } } : {}),
    ...(index % 7 === 0 ? { deep: [[index, null], [], null] } : {}),
    ...(index % 2 === 0
      ? { local: `2026-02-03T04:05:06.${pad(index % 1000, 6)}`, time: '23:59:59.000001' }
      : {}),
    ...(index % 3 === 0 ? { uuid: `00000000-0000-4000-8000-${pad(index, 12)}` } : {}),
  };
  return `{"id":${id},${JSON.stringify(record).slice(1)}`;
}

/** In row groups of 1,500 rows. */
export function writeFile(lines: readonly string[], codec: Codec, schema = SCHEMA): Buffer {
  const encoder = encoderOf(schema, { codec, pageBytes: 4096 });
  const parts: Uint8Array[] = [];
  for (const [index, line] of lines.entries()) {
    expect(appendText(encoder, line), line).toBeNull();
    if (index % 1500 === 1499) parts.push(...encoder.endRowGroup());
  }
  return Buffer.concat([...parts, ...encoder.endRowGroup(), encoder.footer()]);
}
