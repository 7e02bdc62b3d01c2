import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const manifest = z.object({ name: z.string(), version: z.string() });

/** Of the package that this file belongs to: in a checkout two folders up, in a build three. */
export function packageVersion(): string {
  for (const up of ['../..', '../../..']) {
    const file = path.join(import.meta.dirname, up, 'package.json');
    const parsed = readManifest(file);
    if (parsed !== null) return parsed.version;
  }
  throw new Error(`There is no package.json of tidemark above ${import.meta.dirname}: the installation is incomplete.`);
}

function readManifest(file: string): z.output<typeof manifest> | null {
  try {
    const parsed = manifest.parse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.name === 'tidemark' ? parsed : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
