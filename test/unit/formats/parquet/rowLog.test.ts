import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../../src/formats/parquet/compress.ts';
import { recordEnvelope } from '../../../../src/formats/parquet/envelope.ts';
import { ParquetRowEncoder } from '../../../../src/formats/parquet/rowEncoder.ts';
import type { RowFile } from '../../../../src/formats/parquet/rowFrames.ts';
import { restoredFrom as restoreRows } from './files.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import type { RowEncoder } from '../../../../src/formats/rows.ts';
import type { RecordCursor } from '../../../../src/sources/port.ts';
import { StoreFailure } from '../../../../src/stores/failure.ts';
import { recordOf } from '../record.ts';
import { OPTIONS, readRows } from './files.ts';
import { records, schemas } from './generated.ts';

interface Case {
  readonly file: RowFile;
  readonly rows: readonly RecordCursor[];
}

const options = fc.record({
  ...{ codec: fc.constantFrom<Codec>('none', 'snappy', 'gzip', 'zstd'), level: fc.constantFrom(1, 3) },
  pageBytes: fc.constantFrom(1, 1 << 20),
  keyValues: fc.constantFrom({}, { writer: 'a' }),
});
const typed = fc.record({ schema: schemas, own: options }).chain(({ schema, own }) =>
  fc.array(records(schema), { maxLength: 30 }).map((rows): Case => ({
    file: { schema, options: { ...OPTIONS, ...own }, partition: null },
    rows: rows.map(({ text }) => recordOf({ value: Buffer.from(text) })),
  })),
);
const bytes = fc.uint8Array({ maxLength: 9 }).map((each) => Buffer.from(each));
const nullable = fc.option(bytes);
const cursors = fc
  .record({
    ...{ offset: fc.bigInt({ min: 2n, max: 2n ** 40n }), timestampMs: fc.nat(), key: nullable },
    value: nullable,
    headers: fc.array(fc.record({ name: fc.constant(Buffer.from('é')), value: nullable }), { maxLength: 2 }),
  })
  .map(recordOf);
const enveloped = fc
  .record({ own: options, rows: fc.array(cursors, { maxLength: 30 }) })
  .map(({ own, rows }): Case => ({
    file: {
      schema: recordEnvelope('binary'),
      options: { ...OPTIONS, ...own },
      partition: { topic: 'clicks', partition: 3 },
    },
    rows,
  }));
const steps = fc.array(fc.constantFrom('append', 'append', 'endGroup', 'log', 'logAndCrash'), {
  ...{ minLength: 5, maxLength: 60 },
});

/** A part file and its rows file, as a checkpoint leaves them. */
class Files {
  part: Buffer = Buffer.alloc(0);
  log: Buffer = Buffer.alloc(0);

  endGroup(encoder: RowEncoder): void {
    this.part = Buffer.concat([this.part, ...encoder.endGroup()]);
  }

  write(encoder: RowEncoder): void {
    this.log = Buffer.concat([this.log, encoder.loggedGroups(), encoder.loggedRows() ?? Buffer.alloc(0)]);
  }

  finished(encoder: RowEncoder): Buffer {
    this.endGroup(encoder);
    return Buffer.concat([this.part, encoder.footer()]);
  }
}

describe('a row log', () => {
  it('restores the encoder: the file is the same, byte by byte, wherever a process crashed', () => {
    const property = fc.property(fc.oneof(typed, enveloped), steps, ({ file, rows }, drawn) => {
      const undisturbed = new ParquetRowEncoder(file);
      const expected = new Files();
      let encoder: RowEncoder = new ParquetRowEncoder(file);
      const files = new Files();
      let next = 0;
      for (const step of drawn) {
        const row = rows[next];
        if (step === 'append' && row !== undefined) {
          expect([undisturbed.append(row), encoder.append(row)]).toEqual([null, null]);
          next += 1;
        } else if (step === 'endGroup') {
          expected.endGroup(undisturbed);
          files.endGroup(encoder);
        } else if (step === 'log') {
          files.write(encoder);
        } else if (step === 'logAndCrash') {
          files.write(encoder);
          encoder = restoreRows(files.log);
          files.log = Buffer.alloc(0);
          expect(encoder.lengthBytes).toBe(files.part.length);
          expect([encoder.rowsHeld, encoder.rows]).toEqual([undisturbed.rowsHeld, undisturbed.rows]);
        }
      }
      expect(files.finished(encoder).equals(expected.finished(undisturbed))).toBe(true);
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('is asked for more than once, and says each thing once', () => {
    const encoder = encoderOf({ id: 'long' });
    expect(encoder.loggedGroups().length).toBeGreaterThan(0);
    expect(encoder.loggedGroups()).toHaveLength(0);
    expect(encoder.loggedRows()).toBeNull();
    append(encoder, '{"id":1}');
    expect(encoder.loggedRows()).not.toBeNull();
    expect(encoder.loggedRows()).toBeNull();
    for (const _ of encoder.endGroup());
    expect(() => encoder.loggedRows()).toThrow(/must be logged before/);
    expect(encoder.loggedGroups().length).toBeGreaterThan(0);
    expect(encoder.loggedRows()).toBeNull();
  });

  it('cannot be asked while a group ends', () => {
    const encoder = encoderOf({ id: 'long' });
    append(encoder, '{"id":1}');
    encoder.loggedGroups();
    const group = encoder.endGroup();
    group.next();
    expect(() => encoder.loggedGroups()).toThrow(/has not been taken to its end/);
    expect(() => encoder.loggedRows()).toThrow(/has not been taken to its end/);
  });

  it('is asked for its rows after its header alone', () => {
    const encoder = encoderOf({ id: 'long' });
    append(encoder, '{"id":1}');
    expect(() => encoder.loggedRows()).toThrow(/must be logged before/);
  });

  it('does not decode rows whose group has ended', async () => {
    const { files, piecesOf } = twoGroups();
    const [first] = piecesOf();
    const log = Buffer.from(files.log);
    log.fill(0xee, first!.at + 9, first!.end);
    const restored = restoreRows(log);
    expect(restored.rowsHeld).toBe(1);
    expect(await readRows(files.finished(restored))).toEqual([{ id: 1n }, { id: 2n }]);
  });
});

describe('a damaged row log', () => {
  it('is refused wherever a bit of what counts has changed', () => {
    const { files, piecesOf } = twoGroups();
    const [superseded] = piecesOf();
    for (let at = 0; at < files.log.length; at += 1) {
      if (at >= superseded!.at + 5 && at < superseded!.end) continue;
      const log = Buffer.from(files.log);
      log[at] = log[at]! ^ (1 << (at % 8));
      const error = errorOf(() => restoreRows(log));
      expect(error?.code, `byte ${at}`).toBe('STORE_CONTENT_DIFFERS');
      expect(error?.message).toMatch(/resume\.$/);
    }
  });

  it('is refused wherever it is cut off within a frame, and is an earlier one between frames', () => {
    const { files, framesOf } = twoGroups();
    const ends = new Set(framesOf().map(({ end }) => end));
    for (let length = 0; length < files.log.length; length += 1) {
      const cut = files.log.subarray(0, length);
      if (ends.has(length)) expect(restoreRows(cut).rowsHeld).toBeLessThan(2);
      else expect(() => restoreRows(cut), `${length} bytes`).toThrow(/cut off|no header/);
    }
  });

  it('is refused if a frame is there twice, or missing, or of an unknown type', () => {
    const { files, framesOf } = twoGroups();
    const [header, , group] = framesOf().map(({ at, end }) => files.log.subarray(at, end));
    expect(() => restoreRows(Buffer.concat([header!, header!]))).toThrow(/second header/);
    expect(() => restoreRows(group!)).toThrow(/no header/);
    expect(() => restoreRows(Buffer.concat([header!, group!, group!]))).toThrow(/do not follow each other/);
    const other = Buffer.from(header!);
    other[4] = 9;
    expect(() => restoreRows(Buffer.concat([header!, other]))).toThrow(/unknown type 9/);
  });

  it('is refused if a newer version has written it, and says so', () => {
    const header = Buffer.from(encoderOf({ id: 'long' }).loggedGroups());
    const body = Buffer.from(header.subarray(9).toString().replace('"version":1', '"version":2'));
    const log = Buffer.concat([header.subarray(0, 9), body]);
    log.writeUInt32LE(crc32(body, crc32(Uint8Array.of(1))), 5);
    expect(() => restoreRows(log)).toThrow(/newer version \(2\)\. Upgrade/);
  });
});

function encoderOf(fields: Record<string, string>): ParquetRowEncoder {
  return new ParquetRowEncoder({ schema: parseYamlSchema(fields), options: OPTIONS, partition: null });
}

function append(encoder: RowEncoder, text: string): void {
  expect(encoder.append(recordOf({ value: Buffer.from(text) }))).toBeNull();
}

function errorOf(act: () => unknown): StoreFailure | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof StoreFailure) return error;
    throw error;
  }
}

interface Span {
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

/** A log of a header, rows, their group's end, and a row of the next group. */
function twoGroups(): { files: Files; framesOf: () => Span[]; piecesOf: () => Span[] } {
  const encoder = encoderOf({ id: 'long' });
  const files = new Files();
  append(encoder, '{"id":1}');
  files.write(encoder);
  files.endGroup(encoder);
  append(encoder, '{"id":2}');
  files.write(encoder);
  const framesOf = (): Span[] => {
    const spans: Span[] = [];
    for (let at = 0; at < files.log.length; at = spans.at(-1)!.end) {
      spans.push({ type: files.log[at + 4]!, at, end: at + 5 + files.log.readUInt32LE(at) });
    }
    return spans;
  };
  return { files, framesOf, piecesOf: () => framesOf().filter(({ type }) => type === 2) };
}
