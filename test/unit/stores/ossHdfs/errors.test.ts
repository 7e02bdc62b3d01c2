import { expect, test } from 'vitest';
import { isJindoError, JindoError, unavailable } from '../../../../src/stores/ossHdfs/errors.ts';

const TOKEN = 'CAISx-security-token';

/** As JindoSDK tells it: OSS's whole answer, which repeats what was signed. */
const refused =
  'open writer failed, internal error:Caused by error 6403: 403 Forbidden <?xml version="1.0" ' +
  'encoding="UTF-8"?><Error>' +
  '<Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match.</Message>' +
  `<StringToSign>POST\n\nx-oss-security-token:${TOKEN}\n` +
  `/lake/</StringToSign><CanonicalRequest>${TOKEN}</CanonicalRequest>` +
  '<EC>0002-00000040</EC></Error> ERROR_CODE : 6403 [RequestId]: 8665F8';

test('of a refused signature it tells what OSS says, not what was signed', () => {
  const error = unavailable('create', 'oss://lake/t/a', new JindoError(3005, 'jdo_open', refused));
  expect(error.message).toContain(
    'SignatureDoesNotMatch: The request signature we calculated does not match.',
  );
  expect(error.message).toContain('[RequestId]: 8665F8');
  expect(error.message).toContain('sink.credentials');
  expect(JSON.stringify([error.message, (error.cause as Error).message])).not.toContain(TOKEN);
});

test('an answer that was cut off is not told either', () => {
  const cut = refused.slice(0, refused.indexOf('</StringToSign>'));
  expect(new JindoError(3005, 'jdo_open', cut).message).not.toContain(TOKEN);
});

test('a number in the words of the service is no code', () => {
  const words = 'Caused by error 30005: IO error: the disk of /lake/30001/30026/a is slow (30013 ms)';
  expect(new JindoError(3005, 'jdo_getFileStatus', words).reason).toBe('other');
  const code = new JindoError(3005, 'jdo_flush', 'Caused by error 30016: recovery in progress');
  expect(isJindoError(code, 'beingCreated')).toBe(true);
});
