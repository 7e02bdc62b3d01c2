/**
 * A small assembler for WebAssembly. An expression is its bytes, operands first. Kernels are written with it
 * and assembled at load time (a millisecond), so the project needs no toolchain and contains no opaque
 * binary.
 */

/** Encoded instructions. An expression leaves one value, a statement none. */
export type Code = readonly number[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof I64 | typeof V128;

const EMPTY_BLOCK = 0x40;
const END = 0x0b;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left & 0x7f;
    left >>>= 7;
    bytes.push(left === 0 ? low : low | 0x80);
  } while (left !== 0);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ;) {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    if ((left === 0n && low < 0x40) || (left === -1n && low >= 0x40)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const binary =
  (opcode: number) =>
  (left: Code, right: Code): Code => [...left, ...right, opcode];
const unary =
  (opcode: number) =>
  (operand: Code): Code => [...operand, opcode];
/** Addresses need not be aligned. */
const load =
  (opcode: number) =>
  (address: Code, offset = 0): Code => [...address, opcode, 0, ...unsigned(offset)];
const store =
  (opcode: number) =>
  (address: Code, value: Code, offset = 0): Code => [...address, ...value, opcode, 0, ...unsigned(offset)];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(BigInt(value | 0))],
  load: load(0x28),
  load8u: load(0x2d),
  load16u: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  store16: store(0x3b),
  eqz: unary(0x45),
  /** How many bits below the lowest one that is set. */
  ctz: unary(0x68),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  ltU: binary(0x49),
  gtS: binary(0x4a),
  gtU: binary(0x4b),
  geS: binary(0x4e),
  geU: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  divU: binary(0x6e),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrU: binary(0x76),
  select: (whenTrue: Code, whenFalse: Code, condition: Code): Code => [
    ...[...whenTrue, ...whenFalse, ...condition],
    0x1b,
  ],
  fromI64: unary(0xa7),
} as const;

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))],
  load: load(0x29),
  load8u: load(0x31),
  store: store(0x37),
  ne: binary(0x52),
  ltS: binary(0x53),
  ltU: binary(0x54),
  gtS: binary(0x55),
  geS: binary(0x59),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  divS: binary(0x7f),
  divU: binary(0x80),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shl: binary(0x86),
  shrU: binary(0x88),
  fromI32: unary(0xac),
  /** Traps if the value is NaN or out of range. */
  fromF64: unary(0xb0),
} as const;

export const f64 = {
  load: load(0x2b),
  store: store(0x39),
  mul: binary(0xa2),
  div: binary(0xa3),
  fromI32: unary(0xb7),
  fromI64: unary(0xb9),
} as const;

/** Sixteen bytes at once. */
export const v128 = {
  /** The byte, sixteen times. */
  splat: (byte: number): Code => [0xfd, 0x0c, ...Array.from({ length: 16 }, () => byte)],
  or: (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x50],
  /** Bytes of ones where both are equal. */
  eqBytes: (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x23],
  /** Bytes of ones where the left one is lower; bytes have a sign. */
  ltBytes: (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x25],
  anyTrue: (operand: Code): Code => [...operand, 0xfd, 0x53],
  /** The highest bit of each byte; that of the first one is the lowest. */
  bitmask: (operand: Code): Code => [...operand, 0xfd, 0x64],
  xor: (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x51],
  /** Selects bytes of the left operand; the bytes of the right one are the indexes. */
  swizzle: (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x0e],
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 0, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...[...address, ...value],
    ...[0xfd, 0x0b, 0, ...unsigned(offset)],
  ],
} as const;

/** Branch depths count the enclosing `block` and `loop`; the innermost is 0. */
export const control = {
  block: (...body: readonly Code[]): Code => [0x02, EMPTY_BLOCK, ...body.flat(), END],
  /** A branch to a loop jumps to its start. */
  loop: (...body: readonly Code[]): Code => [0x03, EMPTY_BLOCK, ...body.flat(), END],
  branchIf: (condition: Code, depth: number): Code => [...condition, 0x0d, ...unsigned(depth)],
  branch: (depth: number): Code => [0x0c, ...unsigned(depth)],
} as const;

export interface Variable {
  readonly get: Code;
  set(value: Code): Code;
  /** Sets the variable and leaves the value. */
  tee(value: Code): Code;
}

/** Adds to a pointer. */
export const advance = (pointer: Variable, by: number): Code =>
  pointer.set(i32.add(pointer.get, i32.const(by)));

/** One function: first the parameters, then the locals, then the body. */
export class FunctionBuilder {
  readonly name: string;
  readonly result: ValueType;
  readonly parameters: ValueType[] = [];
  readonly locals: ValueType[] = [];
  body: Code = [];

  constructor(name: string, result: ValueType) {
    this.name = name;
    this.result = result;
  }

  parameter(type: ValueType): Variable {
    this.parameters.push(type);
    return this.#variable(this.parameters.length - 1);
  }

  local(type: ValueType): Variable {
    this.locals.push(type);
    return this.#variable(this.parameters.length + this.locals.length - 1);
  }

  #variable(index: number): Variable {
    return {
      get: [0x20, ...unsigned(index)],
      set: (value) => [...value, 0x21, ...unsigned(index)],
      tee: (value) => [...value, 0x22, ...unsigned(index)],
    };
  }
}

const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)];
const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
];

/** A module that imports its memory as env.memory and exports the functions by name. */
export function assemble(functions: readonly FunctionBuilder[], memoryPages: number): Uint8Array {
  const types = functions.map(({ parameters, result }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector([[result]]),
  ]);
  const limits = [0x01, ...unsigned(memoryPages), ...unsigned(memoryPages)];
  const imports = [[...text('env'), ...text('memory'), 0x02, ...limits]];
  const exports = functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
  const codes = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((type) => [1, type])), ...body, END];
    return [...unsigned(code.length), ...code];
  });
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector(imports)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(exports)),
    ...section(10, vector(codes)),
  ]);
}
