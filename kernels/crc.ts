/**
 * Reflected CRCs of up to 64 bits, mostly without tables. A multiple of the CRC's polynomial with few terms,
 * all at whole bytes, turns the division into a recurrence: every sixteen bytes of the message are added to
 * the bytes at a few fixed distances before them. This leaves one window of bytes, and only that uses tables
 * ("Chorba", Russell 2024; slicing by 8, Kounavis and Berry 2005). A new polynomial needs such a multiple.
 */
import { control, FunctionBuilder, I32, I64, i32, i64, v128, type Code } from './assembler.ts';
import { instantiate, kernelBytes, reserve } from './memory.ts';

export interface CrcShape {
  /** Without its highest term, reflected. */
  readonly polynomial: bigint;
  /**
   * The sum of y^(last - distance), over the distance 0 and these, is a multiple of the polynomial; y stands
   * for eight bits. Ascending; none is smaller than a vector.
   */
  readonly distances: readonly number[];
}

const VECTOR_BYTES = 16;
const TABLES = 8;
const TABLE_ENTRIES = 256;
const ENTRY_BYTES = 8;
const TABLE_BYTES = TABLE_ENTRIES * ENTRY_BYTES;
/** Fits twice into the processor's innermost cache. */
const CHUNK_BYTES = 16 * 1024;
/** Shorter messages gain nothing. */
const WINDOWS_MIN = 2;

interface Kernel {
  /** The running state after kernelBytes[address, address + length), by tables. */
  readonly byTables: (state: bigint, address: number, length: number) => bigint;
  /**
   * out[k] = source[k] + the bytes at the distances before history[k], for `length` bytes, in whole vectors.
   * Returns 0.
   */
  readonly recur: (source: number, history: number, out: number, length: number) => number;
}

/** Table entry for bits [shift, shift + 8) of `word`. */
function entry(word: Code, shift: number, table: number): Code {
  const scaled = shift === 0 ? i64.shl(word, i64.const(3n)) : i64.shrU(word, i64.const(BigInt(shift - 3)));
  return i64.load(i32.and(i32.fromI64(scaled), i32.const(0x7f8)), table);
}

function byTablesFunction(tables: number): FunctionBuilder {
  const update = new FunctionBuilder('byTables', I64);
  const [state, at, length] = [update.parameter(I64), update.parameter(I32), update.parameter(I32)];
  const [end, word] = [update.local(I32), update.local(I64)];
  const left = i32.sub(end.get, at.get);
  const eightLookUps = Array.from({ length: TABLES }, (_, byte) =>
    entry(word.get, byte * 8, tables + (TABLES - 1 - byte) * TABLE_BYTES),
  ).reduce((sum, one) => i64.xor(sum, one));
  const eightBytes = control.loop(
    word.set(i64.xor(state.get, i64.load(at.get))),
    state.set(eightLookUps),
    at.set(i32.add(at.get, i32.const(8))),
    control.branchIf(i32.geU(left, i32.const(8)), 0),
  );
  const oneByte = control.loop(
    word.set(i64.xor(state.get, i64.load8u(at.get))),
    state.set(i64.xor(i64.shrU(state.get, i64.const(8n)), entry(word.get, 0, tables))),
    at.set(i32.add(at.get, i32.const(1))),
    control.branchIf(i32.ltU(at.get, end.get), 0),
  );
  update.body = [
    ...end.set(i32.add(at.get, length.get)),
    ...control.block(control.branchIf(i32.ltU(left, i32.const(8)), 0), eightBytes),
    ...control.block(control.branchIf(i32.eqz(left), 0), oneByte),
    ...state.get,
  ];
  return update;
}

function recurFunction(distances: readonly number[]): FunctionBuilder {
  const recur = new FunctionBuilder('recur', I32);
  const [source, history] = [recur.parameter(I32), recur.parameter(I32)];
  const [out, length] = [recur.parameter(I32), recur.parameter(I32)];
  const [before, end] = [recur.local(I32), recur.local(I32)];
  const window = distances.at(-1) ?? 0;
  const sum = distances.reduce(
    (sum, distance) => v128.xor(sum, v128.load(before.get, window - distance)),
    v128.load(source.get),
  );
  const next = (pointer: typeof source): Code => pointer.set(i32.add(pointer.get, i32.const(VECTOR_BYTES)));
  recur.body = [
    ...before.set(i32.sub(history.get, i32.const(window))),
    ...end.set(i32.add(source.get, length.get)),
    ...control.loop(
      v128.store(out.get, sum),
      ...[source, before, out].map(next),
      control.branchIf(i32.ltU(source.get, end.get), 0),
    ),
    ...i32.const(0),
  ];
  return recur;
}

function fillTables(table: BigUint64Array, polynomial: bigint): void {
  for (let byte = 0; byte < TABLE_ENTRIES; byte += 1) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    table[byte] = crc;
  }
  for (let index = TABLE_ENTRIES; index < TABLES * TABLE_ENTRIES; index += 1) {
    const before = table[index - TABLE_ENTRIES] ?? 0n;
    table[index] = (before >> 8n) ^ (table[Number(before & 0xffn)] ?? 0n);
  }
}

const wordsOf = (area: Uint8Array): BigUint64Array =>
  new BigUint64Array(area.buffer, area.byteOffset, area.length / ENTRY_BYTES);
const wholeVectors = (bytes: number): number => Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;

/** One kind of CRC. It keeps no message between calls, so any number of running states may alternate. */
export class CrcKernel {
  readonly #kernel: Kernel;
  readonly #windowBytes: number;
  /** The window before a chunk of quotients, and the chunk. */
  readonly #quotients: Uint8Array;
  readonly #firstQuotient: BigUint64Array;
  /** Bytes from outside the kernels' memory are copied here. */
  readonly #scratch: Uint8Array;
  readonly #rest: Uint8Array;

  constructor({ polynomial, distances }: CrcShape) {
    const tables = reserve(TABLES * TABLE_BYTES);
    fillTables(wordsOf(tables), polynomial);
    this.#windowBytes = wholeVectors(distances.at(-1) ?? 0);
    this.#quotients = reserve(this.#windowBytes + CHUNK_BYTES + 2 * this.#windowBytes);
    this.#firstQuotient = wordsOf(
      this.#quotients.subarray(this.#windowBytes, this.#windowBytes + ENTRY_BYTES),
    );
    this.#scratch = reserve(CHUNK_BYTES + VECTOR_BYTES);
    this.#rest = reserve(2 * this.#windowBytes);
    this.#kernel = instantiate([byTablesFunction(tables.byteOffset), recurFunction(distances)]) as Kernel;
  }

  /** The running state after bytes[start, end). Bytes in the kernels' memory are read in place. */
  update(state: bigint, bytes: Uint8Array, start: number, end: number): bigint {
    if (end - start < WINDOWS_MIN * this.#windowBytes) return this.#byTables(state, bytes, start, end);
    const before = this.#windowBytes;
    const quotients = this.#quotients.byteOffset + before;
    const lastQuotient = end - before;
    this.#quotients.fill(0, 0, before);
    let at = start;
    while (at + VECTOR_BYTES <= lastQuotient) {
      const whole = Math.floor((lastQuotient - at) / VECTOR_BYTES) * VECTOR_BYTES;
      const length = Math.min(CHUNK_BYTES, whole);
      const source = this.#addressOf(bytes, at, length);
      let done = 0;
      if (at === start) {
        // The previous state is added to the first bytes of the message.
        done = VECTOR_BYTES;
        this.#kernel.recur(source, quotients, quotients, done);
        this.#firstQuotient[0] = (this.#firstQuotient[0] ?? 0n) ^ state;
      }
      if (done < length) this.#kernel.recur(source + done, quotients + done, quotients + done, length - done);
      this.#quotients.copyWithin(0, length, length + before);
      at += length;
    }
    return this.#remainder(bytes, at, end);
  }

  /** What the last quotients add to the last bytes, which have no quotients themselves. */
  #remainder(bytes: Uint8Array, start: number, end: number): bigint {
    const length = end - start;
    const before = this.#windowBytes;
    this.#quotients.fill(0, before, before + wholeVectors(length));
    const source = this.#addressOf(bytes, start, length);
    const rest = this.#rest.byteOffset;
    this.#kernel.recur(source, this.#quotients.byteOffset + before, rest, wholeVectors(length));
    return this.#kernel.byTables(0n, rest, length);
  }

  #byTables(state: bigint, bytes: Uint8Array, start: number, end: number): bigint {
    return this.#kernel.byTables(state, this.#addressOf(bytes, start, end - start), end - start);
  }

  #addressOf(bytes: Uint8Array, start: number, length: number): number {
    if (bytes.buffer === kernelBytes.buffer) return bytes.byteOffset + start;
    this.#scratch.set(bytes.subarray(start, start + length));
    return this.#scratch.byteOffset;
  }
}
