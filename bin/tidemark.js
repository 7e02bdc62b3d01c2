#!/usr/bin/env node
import { existsSync } from 'node:fs';

const NODE_MAJOR_MIN = 24;

const major = Number(process.versions.node.split('.')[0]);
if (major < NODE_MAJOR_MIN) {
  console.error(
    `tidemark needs Node.js ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(2);
}

// Calls of JindoSDK (OSS-HDFS) each hold a thread of this pool while the service answers; its size is read when it is first used.
process.env.UV_THREADPOOL_SIZE ??= '36';

// A checkout runs its sources; an installed package its build: Node refuses TypeScript below node_modules.
const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/src/cli/main.js', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : built.href);

process.exitCode = await main({ args: process.argv.slice(2), env: process.env });
