import { describe, test } from 'vitest';
import { fetchJindosdk, type FetchedJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr, ServiceUnavailableError } from '../../scripts/services/common.ts';

type Found =
  | { readonly type: 'found'; readonly jindosdk: FetchedJindosdk }
  | { readonly type: 'missing'; readonly reason: string };

const found = await find();

async function find(): Promise<Found> {
  try {
    return { type: 'found', jindosdk: await fetchJindosdk(logToStderr) };
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error;
    return { type: 'missing', reason: error.message.split('\n')[0] ?? '' };
  }
}

/**
 * A `describe` for tests that need JindoSDK, which is fetched from PyPI where it is not there yet. Where it cannot be had its tests
 * are skipped and say why; with CI=true that is a failure.
 */
export function describeJindosdk(
  name: string,
  body: () => void,
  options: { readonly timeoutMs?: number } = {},
): void {
  if (found.type === 'found') {
    describe(name, { timeout: options.timeoutMs ?? 20_000 }, body);
    return;
  }
  const { reason } = found;
  describe.skip(`${name} (skipped: ${reason})`, body);
  if (process.env['CI'] === 'true') {
    test(`${name}: JindoSDK is there`, () => {
      throw new Error(`with CI=true the tests of OSS-HDFS must run, but: ${reason}`);
    });
  }
}

/** Where it is. Only inside tests of `describeJindosdk`. */
export function jindosdk(): FetchedJindosdk {
  if (found.type === 'missing') throw new Error(found.reason);
  return found.jindosdk;
}
