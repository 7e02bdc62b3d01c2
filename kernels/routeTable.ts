/**
 * The route table: which file's buffer takes the records of a time slot. It is in the memory of the
 * WebAssembly kernels, so that kernels/lines.ts routes and copies many records without a call into
 * TypeScript.
 *
 * A **fill state** describes the write buffer of one part file: its address, its fill level and its number of
 * records. A **route** leads from a slot of one router to a fill state. Two routes may hash to the same
 * place: the later one wins, and the records of the earlier one take the slow path through TypeScript. Routes
 * are a shortcut, never the truth.
 */
import { kernelBytes, reserve } from './memory.ts';

/** Fields of a fill state, as offsets in bytes. */
export const FILL = {
  /** Address of the buffer in the kernels' memory. */
  address: 0,
  /** Bytes in the buffer. */
  filled: 4,
  /** A kernel writes no byte at or beyond this length. */
  limit: 8,
  records: 12,
  lastOffset: 16,
  lastWriteAtMs: 24,
  /** 1 if a kernel wrote the last record, so that lastOffset is valid. */
  isByKernel: 32,
  /** Number of routes that lead to it. No kernel uses it. */
  routes: 36,
  /** A kernel that counts writes no record where `records` has reached this. */
  recordsLimit: 40,
} as const;
/** Ends every line. */
export const NEWLINE = 10;
/** Lines are copied in vectors of this size: up to 15 bytes after a line may be overwritten. */
export const VECTOR_BYTES = 16;

const FILL_BYTES = 64;
const FILL_STATES = 16_384;
const RECORDS_LIMIT_MAX = 2 ** 31 - 1;

/** Fields of a route. */
export const ROUTE = { slot: 0, owner: 8, fill: 12 } as const;
export const ROUTE_BYTES = 16;
const ROUTES = 65_536;
export const ROUTES_MASK = ROUTES - 1;
/** Spreads the routes of several routers over the table: the slots of one router are mostly neighbours. */
export const OWNER_STEP = 8_192;
const SLOT_HIGH = 2 ** 32;

const states = reserve(FILL_STATES * FILL_BYTES);
const routes = reserve(ROUTES * ROUTE_BYTES);
export const routesAddress = routes.byteOffset;
const routeFields = new Int32Array(routes.buffer, routes.byteOffset, routes.length / 4);

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
/** What a fill state that is free shows: nothing is in it. */
const emptyFields = fieldsOf(new ArrayBuffer(FILL_BYTES));
const freeStates: number[] = [];
let statesUsed = 0;

/**
 * The write buffer of one part file, as TypeScript and the kernels see it. When the file takes no more
 * records, it is freed, and its place becomes the next one's.
 */
export class FillState {
  #fields: Fields;
  #address: number;
  #isFree = false;

  constructor() {
    const at =
      freeStates.pop() ?? (statesUsed < FILL_STATES ? states.byteOffset + statesUsed++ * FILL_BYTES : 0);
    this.#address = at;
    this.#fields = at === 0 ? fieldsOf(new ArrayBuffer(FILL_BYTES)) : kernelFields;
    this.#fields.integers.fill(0, at / 4, (at + FILL_BYTES) / 4);
  }

  /** In the kernels' memory; 0 if no place was free: then no route leads to it. */
  get address(): number {
    return this.#address;
  }

  /**
   * Throws a RangeError if it is free, whose place may be another file's. Called for every buffer and every
   * route, not for every record.
   */
  mustBeHeld(): void {
    if (this.#isFree) throw new RangeError('a fill state is used that is free');
  }

  /**
   * Frees its place for the next fill state. From now on it is empty. Throws a RangeError if a route leads to
   * it: a kernel would write into the next one's buffer.
   */
  free(): void {
    this.mustBeHeld();
    if (this.#fields.integers[(this.#address + FILL.routes) / 4] !== 0)
      throw new RangeError('a fill state to which a route leads cannot be freed');
    this.#isFree = true;
    if (this.#address !== 0) freeStates.push(this.#address);
    this.#address = 0;
    this.#fields = emptyFields;
  }

  get filled(): number {
    return this.#fields.integers[(this.#address + FILL.filled) / 4] ?? 0;
  }

  get records(): number {
    return this.#fields.integers[(this.#address + FILL.records) / 4] ?? 0;
  }

  /** Offset of the last record if a kernel wrote it; otherwise null. */
  get lastOffset(): bigint | null {
    const { integers, longs } = this.#fields;
    if (integers[(this.#address + FILL.isByKernel) / 4] === 0) return null;
    return longs[(this.#address + FILL.lastOffset) / 8] ?? null;
  }

  get lastWriteAtMs(): number {
    return this.#fields.doubles[(this.#address + FILL.lastWriteAtMs) / 8] ?? 0;
  }

  set lastWriteAtMs(ms: number) {
    this.#fields.doubles[(this.#address + FILL.lastWriteAtMs) / 8] = ms;
  }

  /** @param records that a kernel that counts may make it hold; 0 or less: it writes none. */
  limitRecords(records: number): void {
    this.#fields.integers[(this.#address + FILL.recordsLimit) / 4] = Math.min(records, RECORDS_LIMIT_MAX);
  }

  /** Sets the number of bytes in the buffer. */
  fill(filled: number): void {
    this.#fields.integers[(this.#address + FILL.filled) / 4] = filled;
  }

  /** Counts one more record; the buffer now holds `filled` bytes. */
  wrote(filled: number): void {
    const { integers } = this.#fields;
    const at = this.#address / 4;
    integers[at + FILL.filled / 4] = filled;
    integers[at + FILL.records / 4] = (integers[at + FILL.records / 4] ?? 0) + 1;
    integers[at + FILL.isByKernel / 4] = 0;
  }

  /**
   * Switches to another, empty buffer.
   * @param address of the buffer in the kernels' memory.
   * @param limit length up to which a kernel may fill it; 0 or less: no kernel writes to it.
   */
  turnTo(address: number, limit: number): void {
    this.mustBeHeld();
    const { integers } = this.#fields;
    const at = this.#address / 4;
    integers[at + FILL.address / 4] = address;
    integers[at + FILL.filled / 4] = 0;
    integers[at + FILL.limit / 4] = limit;
  }
}

/** Empties a place of the table. */
function clear(at: number): void {
  if (routeFields[at + ROUTE.owner / 4] === 0) return;
  routeFields[at + ROUTE.owner / 4] = 0;
  countRoute(routeFields[at + ROUTE.fill / 4] ?? 0, -1);
}

function countRoute(fillAddress: number, by: 1 | -1): void {
  const at = (fillAddress + FILL.routes) / 4;
  kernelFields.integers[at] = (kernelFields.integers[at] ?? 0) + by;
}

/** The routes of one router. Each is removed before its fill state is freed. */
export class RouteTable {
  static #owners = 0;
  /** Never reused. */
  readonly owner = (RouteTable.#owners += 1);

  /** Routes the records of a slot (an integer of at most 53 bits) to a fill state. */
  set(slot: number, fill: FillState): void {
    fill.mustBeHeld();
    if (fill.address === 0) return;
    const at = this.#placeOf(slot);
    const slotHigh = Math.floor(slot / SLOT_HIGH);
    const isThere =
      routeFields[at + ROUTE.slot / 4] === (slot | 0) &&
      routeFields[at + ROUTE.slot / 4 + 1] === slotHigh &&
      routeFields[at + ROUTE.owner / 4] === this.owner &&
      routeFields[at + ROUTE.fill / 4] === fill.address;
    // Usually: it is set again after each record that the kernel leaves to the router.
    if (isThere) return;
    clear(at);
    routeFields[at + ROUTE.slot / 4] = slot;
    routeFields[at + ROUTE.slot / 4 + 1] = slotHigh;
    routeFields[at + ROUTE.owner / 4] = this.owner;
    routeFields[at + ROUTE.fill / 4] = fill.address;
    countRoute(fill.address, 1);
  }

  /** Removes the route of a slot. The place may hold another slot's route, which is then only slower. */
  remove(slot: number): void {
    clear(this.#placeOf(slot));
  }

  #placeOf(slot: number): number {
    return (((slot + this.owner * OWNER_STEP) & ROUTES_MASK) * ROUTE_BYTES) / 4;
  }
}
