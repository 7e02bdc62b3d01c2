/** Texts of JSON, sixteen bytes at once. */
import { v128, type Code } from './assembler.ts';
import { BACKSLASH, QUOTE, SPACE } from './text/ascii.ts';

/** Bytes of ones for what is no printed ASCII, or what JSON escapes. */
export const isNotPlain = (vector: Code): Code =>
  v128.or(
    v128.ltBytes(vector, v128.splat(SPACE)),
    v128.or(v128.eqBytes(vector, v128.splat(QUOTE)), v128.eqBytes(vector, v128.splat(BACKSLASH))),
  );
