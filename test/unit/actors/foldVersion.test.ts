import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { FOLD_VERSION } from '../../../actors/ledger.ts';

/** What makes a state of entries. */
const FOLD = ['ledger', 'partition', 'partFile', 'bucket', 'repair', 'readEpochs'].map(
  (name) => `actors/${name}.ts`,
);

/**
 * Digest of the fold by its version, without comments and layout. Where the fold has changed: raise
 * FOLD_VERSION in actors/ledger.ts where the same entries, or a snapshot from before, could now make another
 * state, and put the digest here.
 */
const DIGESTS: Readonly<Record<number, string>> = {
  1: 'f0c812713c7b78e2',
  2: '960180051c648ece',
  3: '10dbd04fba7c6c4a',
  4: 'dad6c2c59ee61363',
  5: 'fb06227d38ca75e4',
  6: '030a526fc549a181',
  // From here on with actors/repair.ts and actors/readEpochs.ts.
  7: '87ff3b4bdb656774',
  8: '10da4a5dffcdef39',
};

function digestOfFold(): string {
  const checkout = path.resolve(import.meta.dirname, '../../..');
  const code = FOLD.map((file) => {
    const text = readFileSync(path.join(checkout, file), 'utf8');
    const compilerOptions = { target: ts.ScriptTarget.ESNext, removeComments: true };
    return ts.transpileModule(text, { compilerOptions }).outputText;
  });
  return hash('sha256', code.join('\n'), 'hex').slice(0, 16);
}

it('a changed fold has another version, or is said to make the same of all entries', () => {
  expect(digestOfFold()).toBe(DIGESTS[FOLD_VERSION]);
});
