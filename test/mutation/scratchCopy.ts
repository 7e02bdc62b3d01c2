/** Copies of the sources that may be changed: shipped code has no switch for a mutation. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Patch } from './mutation.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '..', '..');
const COPIED = ['kernels', 'journal', 'actors', 'src', 'sim', 'bin', 'package.json'];

const LANES = 2;

/** Inside of the checkout, so that its node_modules are found. */
export class ScratchCopy {
  readonly root: string;

  constructor() {
    const cache = path.join(CHECKOUT, '.cache');
    mkdirSync(cache, { recursive: true });
    this.root = mkdtempSync(path.join(cache, 'mutation-'));
    for (const name of COPIED)
      cpSync(path.join(CHECKOUT, name), path.join(this.root, name), { recursive: true });
  }

  /** Runs `work` on the patched copy, and takes the patches back. */
  async patched<T>(patches: readonly Patch[], work: (root: string) => Promise<T>): Promise<T> {
    const originals = new Map(patches.map(({ file }) => [file, this.#read(file)]));
    try {
      this.patch(patches);
      return await work(this.root);
    } finally {
      for (const [file, text] of originals) writeFileSync(path.join(this.root, file), text);
    }
  }

  /** For good. Throws if one of them does not apply. */
  patch(patches: readonly Patch[]): void {
    for (const { file, find, replace } of patches)
      writeFileSync(path.join(this.root, file), replacedOnce(file, this.#read(file), find, replace));
  }

  #read(file: string): string {
    return readFileSync(path.join(this.root, file), 'utf8');
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

/** Works on patched copies, a few at once, and gives the results in the order of the tasks. */
export async function inCopies<T extends { readonly patches: readonly Patch[] }, R>(
  tasks: readonly T[],
  work: (root: string, task: T) => Promise<R>,
  failed: (error: unknown) => R,
): Promise<R[]> {
  const results: R[] = [];
  const left = tasks.entries();
  const lane = async (): Promise<void> => {
    const copy = new ScratchCopy();
    try {
      for (const [index, task] of left)
        results[index] = await copy.patched(task.patches, (root) => work(root, task)).catch(failed);
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

function replacedOnce(file: string, text: string, find: string, replace: string): string {
  const found = text.split(find).length - 1;
  if (found !== 1) throw new Error(`the patch of ${file} applies ${found} times, not once:\n${find}`);
  return text.replace(find, () => replace);
}
