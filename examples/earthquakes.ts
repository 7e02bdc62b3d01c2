/** One week of earthquakes, as the US Geological Survey published it, from the npm package vega-datasets. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DATA = fileURLToPath(new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets')));

/** GeoJSON features, one per line; `properties.time` is in milliseconds. Always the same bytes. */
export function earthquakeLines(): { readonly text: string; readonly count: number } {
  const { features } = JSON.parse(readFileSync(DATA, 'utf8')) as { features: readonly unknown[] };
  return { text: features.map((feature) => `${JSON.stringify(feature)}\n`).join(''), count: features.length };
}

/** Leaves the file alone if it has this content already: a source must not change what was read. */
export function writeOnce(file: string, text: string): void {
  if (readIfThere(file) === text) return;
  const aside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(aside, text);
  renameSync(aside, file);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
