/** `npm run soak`: see `npm run soak -- --help`. */
import { logToStderr, messageOf } from '../../scripts/services/common.ts';
import { FAULT_KINDS } from './faults.ts';
import { readOptions, usage, UsageError } from './options.ts';
import { soak } from './soak.ts';
import { problemsOf, soakLines } from './verdict.ts';

async function main(): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  process.once('SIGTERM', () => interrupt.abort());
  try {
    const kinds = FAULT_KINDS.map(({ name }) => name);
    const options = readOptions(process.argv.slice(2), kinds);
    if (options === 'help') {
      process.stdout.write(`${usage}\n\nfaults: ${kinds.join(', ')}\n`);
      return 0;
    }
    logToStderr(`seed ${options.seed}`);
    const result = await soak(options, logToStderr, interrupt.signal);
    const problems = problemsOf(result);
    process.stdout.write(
      options.isJson
        ? `${JSON.stringify({ ...result, problems }, undefined, 2)}\n`
        : `${soakLines(result, problems).join('\n')}\n`,
    );
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError) {
      logToStderr(`${error.message}\n\n${usage}`);
      return 2;
    }
    logToStderr(`soak: ${messageOf(error)}`);
    return 1;
  }
}

process.exitCode = await main();
