/**
 * Unpacks lz4 blocks, in WebAssembly. Whatever their bytes are, it reads and writes only within its own
 * areas, or reports the block as damaged.
 */
import {
  advance,
  control,
  FunctionBuilder,
  I32,
  i32,
  V128,
  v128,
  type Code,
  type Variable,
} from './assembler.ts';
import { instantiate, kernelBytes, reserve } from './memory.ts';

/** Largest distance of a match. */
const HISTORY_BYTES = 64 * 1024;
/** Largest block that a frame can declare. */
const BLOCK_BYTES_MAX = 4 * 1024 * 1024;
const VECTOR_BYTES = 16;
/** Copies use whole vectors: they may write up to this many bytes too many. */
const MARGIN_BYTES = 64;
/** A length that does not fit four bits continues in further bytes; the last of these is less than 255. */
const LONG_LENGTH = 15;
const MATCH_BYTES_MIN = 4;

const input = reserve(BLOCK_BYTES_MAX + MARGIN_BYTES);
const output = reserve(HISTORY_BYTES + BLOCK_BYTES_MAX + MARGIN_BYTES);
const outputStart = output.byteOffset + HISTORY_BYTES;

/**
 * For each distance below a vector's length: the source of a pattern's bytes, and how far it can be repeated
 * at once.
 */
const patterns = reserve(VECTOR_BYTES * VECTOR_BYTES);
const strides = reserve(VECTOR_BYTES);
for (let distance = 1; distance < VECTOR_BYTES; distance += 1) {
  for (let at = 0; at < VECTOR_BYTES; at += 1) patterns[distance * VECTOR_BYTES + at] = at % distance;
  strides[distance] = VECTOR_BYTES - (VECTOR_BYTES % distance);
}

function variablesOf(unpack: FunctionBuilder) {
  const [at, end] = [unpack.parameter(I32), unpack.parameter(I32)];
  const [out, outEnd, history] = [unpack.parameter(I32), unpack.parameter(I32), unpack.parameter(I32)];
  const local = (): Variable => unpack.local(I32);
  const [token, length, byte] = [local(), local(), local()];
  const [from, copyEnd, distance] = [local(), local(), local()];
  return {
    ...{ at, end, out, outEnd, history, token, length, byte, from, copyEnd, distance },
    result: local(),
    pattern: unpack.local(V128),
  };
}

type Variables = ReturnType<typeof variablesOf>;

/** Adds the further bytes of a long length; leaves `damageDepth` blocks if the block ends within them. */
function readLength({ at, end, length, byte }: Variables, damageDepth: number): Code {
  return control.block(
    control.branchIf(i32.ltU(length.get, i32.const(LONG_LENGTH)), 0),
    control.loop(
      control.branchIf(i32.geU(at.get, end.get), damageDepth + 2),
      byte.set(i32.load8u(at.get)),
      advance(at, 1),
      length.set(i32.add(length.get, byte.get)),
      control.branchIf(i32.geU(byte.get, i32.const(255)), 0),
    ),
  );
}

/**
 * Copies from `from` to `out`, up to `copyEnd`, which is then the value of `out`. The source may overlap if
 * it starts at least a vector before `out`.
 */
function copyVectors({ from, out, copyEnd }: Variables): Code {
  return control.block(
    v128.store(out.get, v128.load(from.get)),
    v128.store(out.get, v128.load(from.get, VECTOR_BYTES), VECTOR_BYTES),
    control.branchIf(i32.geU(i32.add(out.get, i32.const(2 * VECTOR_BYTES)), copyEnd.get), 0),
    advance(out, 2 * VECTOR_BYTES),
    advance(from, 2 * VECTOR_BYTES),
    control.loop(
      v128.store(out.get, v128.load(from.get)),
      advance(from, VECTOR_BYTES),
      control.branchIf(i32.ltU(out.tee(i32.add(out.get, i32.const(VECTOR_BYTES))), copyEnd.get), 0),
    ),
  );
}

/** A match that overlaps itself within a vector: the pattern is built once and stored repeatedly. */
function repeatPattern({ from, out, copyEnd, distance, length, pattern }: Variables): Code[] {
  const indexes = i32.add(
    i32.const(patterns.byteOffset),
    i32.shl(distance.get, i32.const(Math.log2(VECTOR_BYTES))),
  );
  return [
    pattern.set(v128.swizzle(v128.load(from.get), v128.load(indexes))),
    length.set(i32.load8u(i32.add(i32.const(strides.byteOffset), distance.get))),
    control.loop(
      v128.store(out.get, pattern.get),
      control.branchIf(i32.ltU(out.tee(i32.add(out.get, length.get)), copyEnd.get), 0),
    ),
  ];
}

/** Branch depths within a sequence: the loop, the block for a normal end, the block for damage. */
const DEPTH = { loop: 0, done: 1, damage: 2 } as const;
const damagedIf = (condition: Code): Code => control.branchIf(condition, DEPTH.damage);

function copyLiterals(variables: Variables): Code[] {
  const { at, end, out, outEnd, token, length, from, copyEnd } = variables;
  return [
    damagedIf(i32.geU(at.get, end.get)),
    token.set(i32.load8u(at.get)),
    advance(at, 1),
    length.set(i32.shrU(token.get, i32.const(4))),
    readLength(variables, DEPTH.damage),
    from.set(at.get),
    at.set(i32.add(at.get, length.get)),
    copyEnd.set(i32.add(out.get, length.get)),
    damagedIf(i32.gtU(at.get, end.get)),
    damagedIf(i32.gtU(copyEnd.get, outEnd.get)),
    copyVectors(variables),
    out.set(copyEnd.get),
    // A block ends with literals.
    control.branchIf(i32.geU(at.get, end.get), DEPTH.done),
  ];
}

function copyMatch(variables: Variables): Code[] {
  const { at, end, out, outEnd, history, token, length, from, copyEnd, distance } = variables;
  return [
    damagedIf(i32.gtU(i32.add(at.get, i32.const(2)), end.get)),
    distance.set(i32.load16u(at.get)),
    advance(at, 2),
    damagedIf(i32.eqz(distance.get)),
    damagedIf(i32.gtU(distance.get, i32.sub(out.get, history.get))),
    length.set(i32.and(token.get, i32.const(LONG_LENGTH))),
    readLength(variables, DEPTH.damage),
    from.set(i32.sub(out.get, distance.get)),
    copyEnd.set(i32.add(i32.add(out.get, length.get), i32.const(MATCH_BYTES_MIN))),
    damagedIf(i32.gtU(copyEnd.get, outEnd.get)),
    control.block(
      control.block(
        control.branchIf(i32.geU(distance.get, i32.const(VECTOR_BYTES)), 0),
        ...repeatPattern(variables),
        control.branch(1),
      ),
      copyVectors(variables),
    ),
    out.set(copyEnd.get),
  ];
}

/** unpackBlock(at, end, out, outEnd, history): end of the output; 0 if the block is damaged. */
function unpackBlockFunction(): FunctionBuilder {
  const unpack = new FunctionBuilder('unpackBlock', I32);
  const variables = variablesOf(unpack);
  const { out, result } = variables;
  unpack.body = [
    ...control.block(
      control.block(
        control.loop(...copyLiterals(variables), ...copyMatch(variables), control.branch(DEPTH.loop)),
      ),
      result.set(out.get),
    ),
    ...result.get,
  ];
  return unpack;
}

const { unpackBlock } = instantiate([unpackBlockFunction()]) as {
  readonly unpackBlock: (at: number, end: number, out: number, outEnd: number, history: number) => number;
};

/**
 * Unpacks packed[start, end) and returns its bytes, which are valid until the next call; null if the block is
 * damaged. `historyBytes` is the number of previous bytes that it may refer to: those that `keepHistory` has
 * kept.
 */
export function unpackLz4Block(
  packed: Uint8Array,
  start: number,
  end: number,
  blockBytesMax: number,
  historyBytes: number,
): Uint8Array | null {
  if (end - start > BLOCK_BYTES_MAX) return null;
  input.set(packed.subarray(start, end));
  const at = input.byteOffset;
  const outEnd = outputStart + Math.min(blockBytesMax, BLOCK_BYTES_MAX);
  const unpackedEnd = unpackBlock(at, at + end - start, outputStart, outEnd, outputStart - historyBytes);
  return unpackedEnd === 0 ? null : kernelBytes.subarray(outputStart, unpackedEnd);
}

/** Lets the next block refer to the last of these bytes. Returns how many bytes it may refer to. */
export function keepHistory(unpacked: Uint8Array, historyBytes: number): number {
  const added = unpacked.subarray(Math.max(0, unpacked.length - HISTORY_BYTES));
  const kept = Math.min(historyBytes, HISTORY_BYTES - added.length);
  output.copyWithin(HISTORY_BYTES - kept - added.length, HISTORY_BYTES - kept, HISTORY_BYTES);
  output.set(added, HISTORY_BYTES - added.length);
  return kept + added.length;
}
