/**
 * The memory that kernels work on: one per process (or thread), of a fixed size, so that its bytes never move. What is not
 * touched takes no memory of the machine.
 */
import { assemble, type FunctionBuilder } from './assembler.ts';

interface Wasm {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** Of 64 KiB each. */
const PAGES = 1024;
const ALIGNMENT = 64;

/** Part of the language's runtime, but not of TypeScript's description of it without a browser's. */
declare const WebAssembly: Wasm;

const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });

/** All of it. Addresses of kernels are indexes of this array. */
export const kernelBytes = new Uint8Array(memory.buffer);

let reserved = ALIGNMENT;

/** An area that stays reserved for as long as the process lives. */
export function reserve(bytes: number): Uint8Array {
  const start = reserved;
  if (start + bytes > kernelBytes.length)
    throw new RangeError(`no room for ${bytes} bytes in the kernels' memory`);
  reserved = start + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  return kernelBytes.subarray(start, start + bytes);
}

/** Assembles functions that work on this memory. */
export function instantiate(functions: readonly FunctionBuilder[]): object {
  const module = new WebAssembly.Module(assemble(functions, PAGES));
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}
