import { describe, expect, it } from 'vitest';
import {
  type EnvelopeRecord,
  RECORD_ENVELOPE,
  recordEnvelope,
} from '../../../../src/formats/parquet/envelope.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { encoderOf, finish, readRows } from './files.ts';
import { hex } from './generated.ts';

const TOPIC = Buffer.from('clicks');

function recordOf(
  offset: bigint,
  key: Buffer | null,
  value: Buffer | null,
  headers?: EnvelopeRecord['headers'],
): EnvelopeRecord {
  return {
    ...{ baseOffset: offset - 3n, offsetDelta: 3, timestampMs: -1 },
    ...{ keyBytes: key ?? TOPIC, keyStart: key === null ? -1 : 0, keyEnd: key === null ? -1 : key.length },
    ...{ valueBytes: value ?? TOPIC, valueStart: value === null ? -1 : 0 },
    valueEnd: value === null ? -1 : value.length,
    ...(headers === undefined ? {} : { headers }),
  };
}

describe('a record as it is', () => {
  it('keeps nulls, any bytes, headers whose names are there twice, and large offsets', async () => {
    const encoder = encoderOf(RECORD_ENVELOPE);
    const bytes = Buffer.from([0xff, 0x00]);
    const headers = [
      { key: Buffer.from('a'), value: bytes },
      { key: Buffer.from('a'), value: null },
    ];
    const records = [
      recordOf(3n, null, bytes),
      recordOf(2n ** 32n + 1n, bytes, null, headers),
      recordOf(2n ** 63n - 1n, Buffer.alloc(0), Buffer.alloc(0), []),
    ];
    for (const record of records) expect(encoder.appendRecord(TOPIC, 2, record)).toBeNull();
    const same = { topic: 'clicks', partition: 2, timestamp: -1n };
    expect(await readRows(finish(encoder))).toEqual([
      { ...same, offset: 3n, key: null, value: hex(bytes), headers: [] },
      {
        ...{ ...same, offset: 2n ** 32n + 1n, key: hex(bytes), value: null },
        headers: [
          { key: 'a', value: hex(bytes) },
          { key: 'a', value: null },
        ],
      },
      {
        ...same,
        offset: 2n ** 63n - 1n,
        key: hex(Buffer.alloc(0)),
        value: hex(Buffer.alloc(0)),
        headers: [],
      },
    ]);
  });

  it('is refused where it is to be text and is not, and leaves nothing behind', async () => {
    const encoder = encoderOf(recordEnvelope('string'));
    const bad = Buffer.from([0x61, 0xff]);
    const good = Buffer.from('ü');
    expect(encoder.appendRecord(TOPIC, 0, recordOf(3n, bad, good))).toEqual({
      reason: 'utf8',
      path: 'key',
      at: 1,
    });
    expect(encoder.appendRecord(TOPIC, 0, recordOf(4n, null, bad))).toMatchObject({ path: 'value' });
    const headers = [{ key: bad, value: null }];
    expect(encoder.appendRecord(TOPIC, 0, recordOf(5n, null, null, headers))).toMatchObject({
      path: 'headers[].key',
    });
    expect(encoder.appendRecord(TOPIC, 0, recordOf(6n, null, good))).toBeNull();
    expect(await readRows(finish(encoder))).toMatchObject([{ offset: 6n, key: null, value: 'ü' }]);
  });

  it('needs the envelope as its schema', () => {
    const encoder = encoderOf(parseYamlSchema({ id: 'long' }));
    expect(() => encoder.appendRecord(TOPIC, 0, recordOf(3n, null, null))).toThrow(/no record envelope/);
  });
});

describe('a row group', () => {
  it('is full once its rows take its memory, and keeps no more memory than that for the next one', () => {
    const encoder = encoderOf(RECORD_ENVELOPE, { rowGroupBytes: 1 << 20 });
    const value = Buffer.alloc(1000, 'x');
    for (let group = 0; group < 3; group += 1) {
      while (!encoder.isFull) expect(encoder.appendRecord(TOPIC, 0, recordOf(3n, null, value))).toBeNull();
      expect(encoder.heldBytes).toBeGreaterThanOrEqual(1 << 20);
      expect(encoder.heldBytes).toBeLessThan(1.1 * (1 << 20));
      const parts = encoder.endRowGroup();
      expect(parts.next().done).toBe(false);
      expect(() => encoder.footer()).toThrow(/has not been taken to its end/);
      expect([...parts].length).toBeGreaterThan(7);
      expect([encoder.isFull, encoder.heldBytes, encoder.rowsHeld]).toEqual([false, 0, 0]);
    }
  });
});
