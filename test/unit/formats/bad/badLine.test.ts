import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BadLine } from '../../../../src/formats/bad/badLine.ts';
import { recordOf } from '../record.ts';

const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));

test('a bad record is in its line, whole, whatever its bytes are', () => {
  const line = new BadLine({ topic: 'clicks', partition: 1 });
  const headers = fc.array(fc.record({ name: bytes, value: fc.option(bytes) }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.option(bytes), fc.option(bytes), headers, (key, value, pairs) => {
      line.encode(recordOf({ offset: 9n, timestampMs: -5, key, value, headers: pairs }), 'too-deep');
      const text = line.bytes.toString('utf8', line.start, line.end);
      expect(text).not.toMatch(/[\r\n]/);
      const isText = (name: Buffer): boolean => Buffer.from(name.toString()).equals(name);
      expect(JSON.parse(text)).toEqual({
        ...{ topic: 'clicks', partition: 1, offset: 9, timestamp: -5, reason: 'too-deep' },
        ...{ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null },
        headers: pairs.map((one) => [
          isText(one.name) ? one.name.toString() : null,
          one.value?.toString('base64') ?? null,
        ]),
      });
    }),
  );
});
