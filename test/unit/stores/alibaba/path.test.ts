import { describe, expect, test } from 'vitest';
import { ossAddressText, parseOssAddress, parseOssPath } from '../../../../src/stores/alibaba/path.ts';

const hangzhou = { host: 'cn-hangzhou.oss-dls.aliyuncs.com', kind: 'oss-hdfs', region: 'cn-hangzhou' };

describe('an oss:// path', () => {
  test.each([
    ['oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/a/b', { folder: 'a/b', endpoint: hangzhou }],
    ['oss://lake.cn-hangzhou.oss-dls.aliyuncs.com//a///b//', { folder: 'a/b', endpoint: hangzhou }],
    ['oss://lake.cn-hangzhou.oss-dls.aliyuncs.com', { folder: '', endpoint: hangzhou }],
    ['oss://lake.CN-Hangzhou.OSS-DLS.aliyuncs.com/', { folder: '', endpoint: hangzhou }],
    [
      'oss://lake.ap-southeast-1.oss-hdfs.aliyuncs.com/a',
      {
        endpoint: {
          host: 'ap-southeast-1.oss-hdfs.aliyuncs.com',
          kind: 'oss-hdfs',
          region: 'ap-southeast-1',
        },
      },
    ],
    ['oss://lake.cn-x-internal.oss-dls.aliyuncs.com/a', { endpoint: { kind: 'oss-hdfs', region: 'cn-x' } }],
    [
      'oss://lake.oss-cn-hangzhou.aliyuncs.com/a',
      { endpoint: { host: 'oss-cn-hangzhou.aliyuncs.com', kind: 'oss', region: 'cn-hangzhou' } },
    ],
    [
      'oss://lake.oss-us-west-1-internal.aliyuncs.com/a',
      { endpoint: { host: 'oss-us-west-1-internal.aliyuncs.com', kind: 'oss', region: 'us-west-1' } },
    ],
    ['oss://lake/a%20b/@c:d', { endpoint: null, folder: 'a%20b/@c:d' }],
    ['oss://lake', { endpoint: null, folder: '' }],
  ])('%s', (text, value) => {
    expect(parseOssPath(text)).toMatchObject({ type: 'parsed', value: { ossBucket: 'lake', ...value } });
  });

  test.each([
    ['oss:///a', 'names no bucket'],
    ['oss://', 'names no bucket'],
    ['oss://.cn-hangzhou.oss-dls.aliyuncs.com/a', 'names no bucket'],
    ['oss://ab/a', 'names the bucket "ab", which OSS does not allow'],
    [`oss://${'a'.repeat(64)}/a`, 'which OSS does not allow'],
    ['oss://Lake/a', 'names the bucket "Lake", which OSS does not allow'],
    ['oss://my_lake/a', 'which OSS does not allow'],
    ['oss://-lake/a', 'which OSS does not allow'],
    ['oss://lake-/a', 'which OSS does not allow'],
    ['oss://lake:80/a', 'holds a ":" in front of the folder'],
    ['oss://lake.127.0.0.1:9000/a', 'holds a ":" in front of the folder'],
    ['oss://lake.127.0.0.1/a', 'names the bucket "lake" and the endpoint "127.0.0.1", which is one neither'],
    ['oss://lake.example.com/a', 'the endpoint "example.com"'],
    [
      'oss://oss-cn-hangzhou.aliyuncs.com/lake',
      'names the endpoint "oss-cn-hangzhou.aliyuncs.com" without a bucket',
    ],
    ['oss://lake.oss-dls.aliyuncs.com/a', 'which is one neither'],
    ['oss://lake./a', 'the endpoint ""'],
    [
      'oss://cn-hangzhou.oss-dls.aliyuncs.com/lake',
      'names the endpoint "cn-hangzhou.oss-dls.aliyuncs.com" without a bucket in front of it',
    ],
    ['oss://lake.oss-cn-hangzhou.oss-dls.aliyuncs.com.evil.com/a', 'which is one neither'],
    ['oss://lake.-x.oss-dls.aliyuncs.com/a', 'which is one neither'],
    ['oss://lake/a/../b', 'holds "." or ".."'],
    ['oss://lake/./b', 'holds "." or ".."'],
  ])('%s: %s', (text, reason) => {
    expect(parseOssPath(text)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining(reason) as string,
    });
  });

  test.each([
    'oss://LTAIhunter:hunter2@lake.cn-hangzhou.oss-dls.aliyuncs.com/a',
    'oss://LTAIhunter:hun/ter2@lake/a',
    'oss://hunter2@lake/a',
    'oss://hunter:hunter2/a',
  ])('%s may hold an access key, which is not repeated', (text) => {
    const parsed = parseOssPath(text);
    expect(parsed).toMatchObject({ type: 'invalid' });
    expect(JSON.stringify(parsed)).not.toContain('hun');
  });
});

describe('the address of a server', () => {
  test.each([
    ['oss.example.com', 'https://oss.example.com', false],
    ['OSS.example.com:8443', 'https://oss.example.com:8443', false],
    ['https://oss.example.com/', 'https://oss.example.com', false],
    ['http://oss.example.com', 'http://oss.example.com', false],
    ['cn-hangzhou.oss-dls.aliyuncs.com', 'https://cn-hangzhou.oss-dls.aliyuncs.com', false],
    ['127.0.0.1:9000', 'http://127.0.0.1:9000', true],
    ['https://127.0.0.1:9000', 'https://127.0.0.1:9000', true],
    ['localhost', 'http://localhost', true],
    ['10.0.0.5', 'https://10.0.0.5', true],
    ['[::1]:9000', 'http://[::1]:9000', true],
    ['http://[fd00::5]', 'http://[fd00::5]', true],
  ])('%s is %s', (text, shown, pathStyle) => {
    const parsed = parseOssAddress(text);
    expect(parsed.type === 'parsed' && ossAddressText(parsed.value)).toBe(shown);
    expect(parsed).toMatchObject({ value: { pathStyle } });
  });

  test.each([
    '',
    'ftp://oss.example.com',
    'oss.example.com:0',
    'oss.example.com:65536',
    'oss.example.com/a',
    'https://oss.example.com?x',
    'oss..example.com',
    '-oss.example.com',
    '999.0.0.1',
    '[1.2.3.4]',
    '::1',
    'a b',
  ])('%j is none', (text) => {
    expect(parseOssAddress(text)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining('is no address of a server') as string,
    });
  });

  test('may hold an access key, which is not repeated', () => {
    expect(parseOssAddress('https://key:hunter2@host')).toEqual({
      type: 'invalid',
      reason: 'holds an "@" (an access key belongs into sink.credentials)',
    });
  });
});
