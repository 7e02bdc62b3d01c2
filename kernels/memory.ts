/**
 * The memory of the kernels: one per process (or thread), of a fixed size, so that its bytes never move.
 * Untouched pages use no physical memory.
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

/** The runtime provides it, but TypeScript declares it only with the browser's types. */
declare const WebAssembly: Wasm;

const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });

/** The whole memory. Kernel addresses are indexes of this array. */
export const kernelBytes = new Uint8Array(memory.buffer);

let reserved = ALIGNMENT;

/** Reserves an area for the lifetime of the process. */
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
