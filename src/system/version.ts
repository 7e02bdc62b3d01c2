/** The version of this build, as package.json says. */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Two folders below package.json in the sources, three in the build.
const inBuild = new URL('../../../package.json', import.meta.url);
const inSources = new URL('../../package.json', import.meta.url);

export const VERSION = (
  createRequire(import.meta.url)(fileURLToPath(existsSync(inSources) ? inSources : inBuild)) as {
    version: string;
  }
).version;
