/** A job keeps its sink and its group, unless the operator says that they move. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { jobName } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { jobSubject } from '../../journal/subjects.ts';
import type { SourceFacts } from '../../src/sources/port.ts';
import { expectEachRecordOnce, JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

const NEVER = new AbortController().signal;
const naming = (folder: string) => ({
  sinkUri: `file://${folder}`,
  prefix: 'part',
  suffix: '',
  entropy: null,
});

function otherFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-moved-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function startsOf(job: JobFixture) {
  const starts = [];
  for await (const { entry } of replay(
    createMemoryJournal({ backing: job.backing }),
    jobSubject(jobName('numbers')),
  ))
    for (const event of entry.events) if (event.type === 'jobStarted') starts.push(event);
  return starts;
}

class Grouped extends MemorySource {
  groupId = 'group-1';
  override async describe(): Promise<SourceFacts> {
    return { ...(await super.describe()), groupId: this.groupId };
  }
}

describe('another sink than the journaled one', () => {
  test('is refused, both are named, nothing is made there; with the operator’s word it moves', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 10));
    await job.coordinator({ source, untilEnd: true }).run(NEVER);
    source.append(0, ...numbered(0, 10, 10));
    const folder = otherFolder();
    const elsewhere = { source: new MemorySource(source), untilEnd: true, naming: naming(folder) };
    await expect(job.coordinator(elsewhere).run(NEVER)).rejects.toMatchObject({
      code: 'SINK_CHANGED',
      fields: { journaledSinkUri: `file://${job.folder}`, sinkUri: `file://${folder}` },
    });
    expect(readdirSync(folder)).toEqual([]);
    await job.coordinator({ ...elsewhere, moves: ['sink', 'group'] }).run(NEVER);
    expect((await startsOf(job)).map(({ sinkUri, moved }) => ({ sinkUri, moved }))).toEqual([
      { sinkUri: `file://${job.folder}`, moved: [] },
      { sinkUri: `file://${folder}`, moved: ['sink'] },
    ]);
    // From now on it is at home there.
    await job.coordinator(elsewhere).run(NEVER);
    await expect(job.coordinator({ source, untilEnd: true }).run(NEVER)).rejects.toMatchObject({
      code: 'SINK_CHANGED',
    });
    expectEachRecordOnce(job, 1, 10);
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toHaveLength(1);
  });
});

describe('another group than the journaled one', () => {
  test('is refused, unless the operator moves the job, which is journaled', async () => {
    const job = new JobFixture();
    const source = new Grouped(1);
    source.append(0, ...numbered(0, 10));
    await job.coordinator({ source, untilEnd: true }).run(NEVER);
    source.groupId = 'group-2';
    const refused = job.coordinator({ source, untilEnd: true, moves: ['sink'] }).run(NEVER);
    await expect(refused).rejects.toMatchObject({ code: 'GROUP_CHANGED' });
    await job.coordinator({ source, untilEnd: true, moves: ['group'] }).run(NEVER);
    expect((await startsOf(job)).map(({ groupId, moved }) => ({ groupId, moved }))).toEqual([
      { groupId: 'group-1', moved: [] },
      { groupId: 'group-2', moved: ['group'] },
    ]);
    await job.coordinator({ source, untilEnd: true }).run(NEVER);
    expectEachRecordOnce(job, 1, 10);
  });
});
