/** Another installed version of Tidemark, which folds a journal in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { NotComparable } from '../audit/compareFolds.ts';
import { FOLD_FORMAT, type FoldLine } from '../audit/foldLines.ts';
import type { JobName } from '../../journal/ids.ts';

/** Of its standard error, the last characters. */
const STDERR_KEPT = 2_000;

const stateSchema = z.object({
  claim: z.string(),
  offsets: z.string(),
  requests: z.string(),
  stop: z.string(),
  files: z.string(),
});
const lineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('head'), format: z.number(), version: z.string() }),
  z.object({
    type: z.literal('entry'),
    subject: z.string(),
    seq: z.number(),
    at: z.string(),
    events: z.array(z.string()),
    state: stateSchema,
  }),
  z.object({
    type: z.literal('refused'),
    subject: z.string(),
    seq: z.number(),
    code: z.string(),
    message: z.string(),
  }),
  z.object({ type: z.literal('end'), lines: z.number() }),
]);

export interface OtherVersion {
  /** Null until its first line. */
  readonly version: string | null;
  readonly lines: AsyncGenerator<FoldLine>;
  /** Ends its process, if it still runs. */
  stop(): void;
}

/**
 * The lines reject with NotComparable if the package is none, is too old for it, or does not tell everything.
 *
 * @param folder of the package, with `bin/tidemark.js` in it.
 */
export function foldedByOther(folder: string, job: JobName, file: string): OtherVersion {
  const bin = path.join(folder, 'bin', 'tidemark.js');
  const over = new AbortController();
  const other = {
    version: null as string | null,
    lines: linesOf(),
    stop: () => {
      over.abort();
    },
  };
  return other;

  async function* linesOf(): AsyncGenerator<FoldLine> {
    if (!existsSync(bin)) throw new NotComparable(`there is no ${bin}`);
    const child = spawn(process.execPath, [bin, 'journal', 'fold', job, file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    over.signal.addEventListener('abort', () => child.kill());
    if (over.signal.aborted) child.kill();
    const ended = once(child, 'close') as Promise<[number | null]>;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-STDERR_KEPT)));
    let count = 0;
    let isWhole = false;
    for await (const text of createInterface({ input: child.stdout })) {
      const line = parsed(text);
      if (line.type === 'head') {
        if (line.format !== FOLD_FORMAT) throw new NotComparable(`it tells it in format ${line.format}`);
        other.version = line.version;
      } else if (line.type === 'end') isWhole = line.lines === count;
      else {
        count += 1;
        yield line;
      }
    }
    const [code] = await ended;
    if (code !== 0 || !isWhole)
      throw new NotComparable(`it ended with exit code ${String(code)} (${said.trim() || 'without a word'})`);
  }
}

function parsed(text: string): z.output<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    throw new NotComparable(`it prints something else: ${text.slice(0, 100)}`);
  }
}
