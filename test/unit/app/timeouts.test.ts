import { expect, test } from 'vitest';
import { loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

test('the beginning may take a minute and the end nine seconds, unless the job file says otherwise', () => {
  expect(loadText(MINIMAL)).toMatchObject({ startup: { timeoutMs: 60_000 }, shutdown: { timeoutMs: 9_000 } });
  const own = `${MINIMAL}startup: { timeout: 1s }\nshutdown: { timeout: 2s }\n`;
  expect(loadText(own)).toMatchObject({ startup: { timeoutMs: 1_000 }, shutdown: { timeoutMs: 2_000 } });
});

test('times in which nothing can be done are refused', () => {
  expect(problemsOfText(`${MINIMAL}startup: { timeout: 999ms }\nshutdown: { timeout: 1s }\n`)).toEqual([
    'job.yaml:6:21 startup.timeout: "999ms" is too short; expected at least 1s',
    'job.yaml:7:22 shutdown.timeout: "1s" is too short; expected at least 2s',
  ]);
});
