/**
 * Where the lines of records go, in the kernels' memory: a kernel that reads there finds the file of a record by its slot, and
 * writes into it, whatever file the record before went to.
 *
 * A **cell** says how one file's buffer stands. A **way** leads from a slot of one flow to a cell; where two ways meet at one place
 * of the table the later one stays, so that there may be any number of slots. Ways are only ever a shortcut.
 */
import { kernelBytes, reserve } from './memory.ts';

/** Fields of a cell, as offsets in bytes. */
export const CELL = {
  /** Of the buffer, in the kernels' memory. */
  address: 0,
  /** Bytes in the buffer. */
  filled: 4,
  /** No kernel fills it beyond that. */
  limit: 8,
  records: 12,
  lastOffset: 16,
  lastWriteAtMs: 24,
  /** Whether a kernel wrote the last record, so that lastOffset is that one's. */
  isByKernel: 32,
} as const;
/** Lines are copied in vectors: up to one less than that many bytes behind a line are overwritten. */
export const VECTOR_BYTES = 16;

const CELL_BYTES = 64;
const CELLS = 16_384;

/** Fields of a way. */
export const WAY = { slot: 0, owner: 8, cell: 12 } as const;
export const WAY_BYTES = 16;
const WAYS = 65_536;
export const WAYS_MASK = WAYS - 1;
/** Sets the ways of several flows apart: the slots of one are mostly neighbours. */
export const OWNER_STEP = 8_192;
const SLOT_HIGH = 2 ** 32;

const cells = reserve(CELLS * CELL_BYTES);
const ways = reserve(WAYS * WAY_BYTES);
export const waysAddress = ways.byteOffset;
const wayFields = new Int32Array(ways.buffer, ways.byteOffset, ways.length / 4);

interface Fields {
  readonly integers: Int32Array;
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
}

function fieldsOf(buffer: ArrayBufferLike): Fields {
  return {
    integers: new Int32Array(buffer),
    longs: new BigInt64Array(buffer),
    doubles: new Float64Array(buffer),
  };
}

const kernelFields = fieldsOf(kernelBytes.buffer);
const freeCells: number[] = [];
let cellsUsed = 0;

/** What a file has taken since its fields were last taken over by its writer. */
export class LineCell {
  readonly #fields: Fields;
  /** In the kernels' memory; 0 where all cells there are taken: then it stands elsewhere, and no way leads to it. */
  readonly address: number;

  constructor() {
    const at = freeCells.pop() ?? (cellsUsed < CELLS ? cells.byteOffset + cellsUsed++ * CELL_BYTES : 0);
    this.address = at;
    this.#fields = at === 0 ? fieldsOf(new ArrayBuffer(CELL_BYTES)) : kernelFields;
    this.#fields.integers.fill(0, at / 4, (at + CELL_BYTES) / 4);
  }

  /** Nobody may use it any more, and no way may lead to it. */
  free(): void {
    if (this.address !== 0) freeCells.push(this.address);
  }

  get filled(): number {
    return this.#fields.integers[(this.address + CELL.filled) / 4] ?? 0;
  }

  get records(): number {
    return this.#fields.integers[(this.address + CELL.records) / 4] ?? 0;
  }

  /** Of the last record, where a kernel wrote it. */
  get lastOffset(): bigint | null {
    const { integers, longs } = this.#fields;
    if (integers[(this.address + CELL.isByKernel) / 4] === 0) return null;
    return longs[(this.address + CELL.lastOffset) / 8] ?? null;
  }

  get lastWriteAtMs(): number {
    return this.#fields.doubles[(this.address + CELL.lastWriteAtMs) / 8] ?? 0;
  }

  set lastWriteAtMs(ms: number) {
    this.#fields.doubles[(this.address + CELL.lastWriteAtMs) / 8] = ms;
  }

  /** The buffer holds so many bytes. */
  fill(filled: number): void {
    this.#fields.integers[(this.address + CELL.filled) / 4] = filled;
  }

  /** One more record is in the buffer, which now holds so many bytes. */
  wrote(filled: number): void {
    const { integers } = this.#fields;
    const at = this.address / 4;
    integers[at + CELL.filled / 4] = filled;
    integers[at + CELL.records / 4] = (integers[at + CELL.records / 4] ?? 0) + 1;
    integers[at + CELL.isByKernel / 4] = 0;
  }

  /**
   * Another buffer, empty.
   * @param address of a buffer in the kernels' memory.
   * @param limit up to where a kernel may fill it; 0 or less: not at all.
   */
  turnTo(address: number, limit: number): void {
    const { integers } = this.#fields;
    const at = this.address / 4;
    integers[at + CELL.address / 4] = address;
    integers[at + CELL.filled / 4] = 0;
    integers[at + CELL.limit / 4] = limit;
  }
}

/** The ways of one flow. */
export class LineWays {
  static #owners = 0;
  readonly owner = (LineWays.#owners += 1);

  /** @param slot an integer of at most 53 bits. */
  set(slot: number, cell: LineCell): void {
    if (cell.address === 0) return;
    const at = this.#placeOf(slot);
    wayFields[at + WAY.slot / 4] = slot;
    wayFields[at + WAY.slot / 4 + 1] = Math.floor(slot / SLOT_HIGH);
    wayFields[at + WAY.owner / 4] = this.owner;
    wayFields[at + WAY.cell / 4] = cell.address;
  }

  /** To be called for every slot that leads to a cell before the cell is freed. */
  remove(slot: number): void {
    const at = this.#placeOf(slot);
    // Another slot's may stand there: then it is only slower from now on.
    wayFields[at + WAY.owner / 4] = 0;
  }

  #placeOf(slot: number): number {
    return (((slot + this.owner * OWNER_STEP) & WAYS_MASK) * WAY_BYTES) / 4;
  }
}
