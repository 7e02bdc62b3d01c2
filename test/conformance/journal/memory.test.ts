import { describe } from 'vitest';
import { journalId } from '../../../journal/ids.ts';
import {
  createMemoryBacking,
  createMemoryJournal,
  type AppendFault,
} from '../../../journal/memory/journal.ts';
import type { Journal } from '../../../journal/port.ts';
import { EMPTY_TAIL, type Tail } from '../../../journal/replay.ts';
import { claimed, committed, identity, writerOn } from '../../unit/journal/fixtures.ts';
import { journalConformance } from './suite.ts';
import type { JournalWorld, LossyJournal } from './world.ts';

async function memoryWorld(): Promise<JournalWorld> {
  let lives = 1;
  let backing = createMemoryBacking();
  const open = async (): Promise<Journal> => createMemoryJournal({ backing });
  return {
    open,
    openRival: open,
    openReader: open,
    openLossy: async (): Promise<LossyJournal> => {
      let next: { fault: AppendFault; met: () => void } | null = null;
      const lose = (type: 'replyLost' | 'requestLost') => (): Promise<void> =>
        new Promise((met) => (next = { fault: { type }, met }));
      const onAppend = (): AppendFault | null => {
        const meets = next;
        next = null;
        meets?.met();
        return meets?.fault ?? null;
      };
      const journal = createMemoryJournal({ backing, onAppend });
      return { journal, loseNextReply: lose('replyLost'), loseNextRequest: lose('requestLost') };
    },
    store: async (subject, entries) => {
      const journal = await open();
      for (const bytes of entries) await journal.fileRequest(subject, bytes);
    },
    // Nothing in memory survives its process but the backing: a crash is a writer that is never asked again.
    appendThroughCrash: async (subject) => {
      const acknowledged: Tail[] = [];
      for (let life = 1; life <= 2; life += 1) {
        const writer = writerOn(await open(), subject, acknowledged.at(-1) ?? EMPTY_TAIL);
        acknowledged.push(await writer.append(identity(life), [claimed(life)]));
        acknowledged.push(await writer.append(identity(life), [committed(life)]));
      }
      return acknowledged;
    },
    recreate: async () => {
      lives += 1;
      backing = createMemoryBacking(journalId(`memory-journal-${lives}`));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describe('the memory journal', () => {
  journalConformance(memoryWorld);
});
