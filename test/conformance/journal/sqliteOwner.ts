/**
 * A process that owns an embedded journal, to be killed: `<path> hold|append <subject>`; reports by messages.
 */
import type { Subject } from '../../../journal/ids.ts';
import { EMPTY_TAIL } from '../../../journal/replay.ts';
import { openSqliteJournal } from '../../../journal/sqlite/journal.ts';
import { claimed, committed, identity, writerOn } from '../../unit/journal/fixtures.ts';

const [path = '', task, subject] = process.argv.slice(2);

function report(message: object): Promise<void> {
  return new Promise((sent) => process.send?.(message, () => sent()));
}

const journal = await openSqliteJournal({ path, access: 'own', createIfMissing: true });
if (task === 'hold') {
  await report({ id: journal.id, pid: process.pid });
  // Only a signal ends this.
  setInterval(() => undefined, 60_000);
} else {
  const writer = writerOn(journal, subject as Subject, EMPTY_TAIL);
  await report(await writer.append(identity(), [claimed()]));
  for (let number = 1; ; number += 1) await report(await writer.append(identity(), [committed(number)]));
}
