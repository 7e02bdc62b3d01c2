import { expect, test } from 'vitest';
import { marked } from '../../../src/supervisor/marked.ts';

const place = { index: 3, stream: 'stderr' } as const;
const nowIso = (): string => '2026-01-02T03:04:05.678Z';

test('for people the number comes first', () => {
  expect(marked('[12:00] INFO: read', place, { isJson: false, nowIso })).toBe('[3] [12:00] INFO: read\n');
  expect(marked('', place, { isJson: false, nowIso })).toBe('[3] \n');
});

test.each([
  ['{"level":"info","msg":"read"}', { process: 3, level: 'info', msg: 'read' }],
  ['{}', { process: 3 }],
  ['tidemark: it failed', { process: 3, level: 'warn', time: nowIso(), msg: 'tidemark: it failed' }],
  ['{ not JSON', { process: 3, level: 'warn', time: nowIso(), msg: '{ not JSON' }],
  ['', { process: 3, level: 'warn', time: nowIso(), msg: '' }],
])('as JSON every line is one document: %s', (text, document) => {
  const line = marked(text, place, { isJson: true, nowIso });
  expect(line.endsWith('}\n')).toBe(true);
  expect(JSON.parse(line)).toEqual(document);
});
