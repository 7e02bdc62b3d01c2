import { expect, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureOss2 } from '../../scripts/services/download.ts';
import { ownOssServer } from '../servers/oss/fixture.ts';
import { describeJudge, find, runPython } from './judge.ts';

describeJudge('oss2 judges the OSS server', await find(() => ensureOss2(logToStderr)), (pythonPath) => {
  test.each(['1', '4'])('with signatures of version %s', async (version) => {
    const { address } = await ownOssServer();
    const seen = await runPython('python3', pythonPath, 'oss2Script.py', address, 'judged', version);
    expect(seen).toEqual({
      buckets: ['judged', 'lake'],
      location: 'oss-cn-test',
      content: 'hello',
      range: 'ell',
      length: [5, 5],
      forbidden: [409, 'FileAlreadyExists'],
      signedUrl: 'hello',
      appended: [3, 6],
      wrongPosition: [409, 'PositionNotEqualToLength'],
      parts: [1, 2, 5],
      uploads: ['big'],
      big: 102_400 + 102_401 + 4,
      completedTwice: [404, 'NoSuchUpload'],
      tooSmall: [400, 'EntityTooSmall'],
      uploadsLeft: [],
      listed: ['big', 'copy', 'folder/ü + x', 'log'],
      listedV2: ['big', 'copy', 'folder/', 'log'],
      deleted: ['big', 'copy', 'log'],
      absent: [404, 'NoSuchKey'],
      wrongSecret: [403, 'SignatureDoesNotMatch'],
      wrongId: [403, 'InvalidAccessKeyId'],
    });
  });
});
