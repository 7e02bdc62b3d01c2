/** `npm run jindosdk`: fetches JindoSDK's library for tests and prints its path. */
import { fetchJindosdk } from './jindosdk/fetch.ts';
import { logToStderr, messageOf } from './services/common.ts';

const interrupt = new AbortController();
const stop = (): void => interrupt.abort(new Error('interrupted'));
process.once('SIGINT', stop).once('SIGTERM', stop);

try {
  const { library } = await fetchJindosdk(logToStderr, { signal: interrupt.signal });
  process.stdout.write(`TIDEMARK_JINDOSDK=${library}\n`);
  logToStderr(
    'Tidemark finds it there by itself. It is for this machine: no licence for passing it on is stated.',
  );
} catch (error) {
  logToStderr(`jindosdk: ${messageOf(error)}`);
  process.exitCode = 1;
}
