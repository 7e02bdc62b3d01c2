/** Values as lines, for the functions of kernels/lines.ts. */
import { advance, control, i32, v128, type Code, type Variable } from './assembler.ts';
import { NEWLINE, VECTOR_BYTES } from './routeTable.ts';

/** Copies whole vectors: up to 15 bytes too many, which the next line or the buffer's margin absorbs. */
export function copyVectors(
  from: Variable,
  to: Variable,
  length: Pick<Variable, 'get'>,
  end: Variable,
): Code {
  return control.block(
    control.branchIf(i32.eqz(length.get), 0),
    end.set(i32.add(from.get, length.get)),
    control.loop(
      v128.store(to.get, v128.load(from.get)),
      advance(to, VECTOR_BYTES),
      control.branchIf(i32.ltU(from.tee(i32.add(from.get, i32.const(VECTOR_BYTES))), end.get), 0),
    ),
  );
}

/**
 * The same, and collects in `feeds` whether bytes of the value are line feeds. Whole vectors are looked at as
 * they pass; the last bytes with the vector that ends where they do, and begins before the value if that is
 * shorter.
 *
 * @param stopIf leaves what is around.
 */
export function copyChecked(
  from: Variable,
  to: Variable,
  length: Variable,
  { left, feeds, vector }: { left: Variable; feeds: Variable; vector: Variable },
  stopIf: (condition: Code) => Code,
): Code {
  const isFeed = (bytes: Code): Code => v128.eqBytes(bytes, v128.splat(NEWLINE));
  const end = i32.add(from.get, left.get);
  const tail = v128.load(i32.sub(end, i32.const(VECTOR_BYTES)));
  const outside = i32.select(
    i32.sub(i32.const(VECTOR_BYTES), length.get),
    i32.const(0),
    i32.ltS(length.get, i32.const(VECTOR_BYTES)),
  );
  return [
    ...feeds.set(v128.splat(0)),
    ...left.set(length.get),
    ...control.block(
      control.branchIf(i32.ltS(left.get, i32.const(VECTOR_BYTES)), 0),
      control.loop(
        vector.set(v128.load(from.get)),
        v128.store(to.get, vector.get),
        feeds.set(v128.or(feeds.get, isFeed(vector.get))),
        advance(from, VECTOR_BYTES),
        advance(to, VECTOR_BYTES),
        advance(left, -VECTOR_BYTES),
        control.branchIf(i32.geS(left.get, i32.const(VECTOR_BYTES)), 0),
      ),
    ),
    ...v128.store(to.get, v128.load(from.get)),
    ...stopIf(v128.anyTrue(feeds.get)),
    ...stopIf(i32.shrU(v128.bitmask(isFeed(tail)), outside)),
  ];
}
