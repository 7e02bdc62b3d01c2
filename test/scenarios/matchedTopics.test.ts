/** Topics that patterns find, or do not find: what is the matter with one ends no other. */
import { expect, test } from 'vitest';
import { JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

test('a bounded run reads all others, and tells a pattern that matches nothing as stopped', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 3));
  const facts = await source.describe();
  source.describe = () => Promise.resolve({ ...facts, unmatched: ['/clicks-.*/'] });
  const { stopped } = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
  expect(stopped).toMatchObject([{ partition: '/clicks-.*/', stop: { code: 'SOURCE_TOPIC_MISSING' } }]);
  expect(stopped[0]?.stop.message).toContain('the expression /clicks-.*/ matches no topic');
  expect([...job.committed().values()]).toEqual(['0:0\n0:1\n0:2\n']);
});
