import type { ListObjectResult } from 'ali-oss';
import { expect, test } from 'vitest';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { aliOss } from '../servers/oss/testClient.ts';
import { describeJudge, find, pythonOfVersion, runPython } from './judge.ts';

/** The wheel's native module is built for this one. */
const PYTHON_VERSION = '3.11';

const found = await find(async () => {
  const python = await pythonOfVersion(PYTHON_VERSION);
  const { pythonPath } = await fetchJindosdk(logToStderr);
  return { python, pythonPath };
});

describeJudge("JindoSDK's Python interface judges the OSS server", found, ({ python, pythonPath }) => {
  test('files are written, listed, renamed, read and removed; nothing is left in the bucket', async () => {
    const folder = await ownFolder();
    const { address } = await ownOssServerProcess(folder);
    const seen = await runPython(python, pythonPath, 'pyjindoScript.py', address, folder, 'test-secret');
    expect(seen).toEqual({
      empty: null,
      tell: 6,
      content: 'hello world',
      renamed: true,
      listed: [
        ['a/b/', true, 0],
        ['a/ü two', false, 11],
      ],
      size: 11,
      big: true,
      removed: true,
      exists: false,
      absent: 'FileNotFoundError',
      left: [],
    });
    // Neither files nor their data.
    const page: Partial<ListObjectResult> = await aliOss(address).list({ 'max-keys': 1 }, {});
    expect(page.objects ?? []).toEqual([]);
  });

  test('wrong keys are refused', async () => {
    const folder = await ownFolder();
    const { address } = await ownOssServerProcess(folder);
    const seen = await runPython(python, pythonPath, 'pyjindoScript.py', address, folder, 'wrong');
    expect(seen).toEqual({ empty: 'OSError' });
  });
});
