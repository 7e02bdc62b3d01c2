/** `npm run generate`: writes every generated file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir, generators } from './generators.ts';

for (const { file, generate } of generators) {
  const target = path.join(checkoutDir, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, await generate());
  process.stdout.write(`${file}\n`);
}
