/** What every journal adapter must do. */
import { appending } from './appending.ts';
import { damage } from './damage.ts';
import { processes } from './processes.ts';
import { reading } from './reading.ts';
import { snapshots } from './snapshots.ts';
import { uncertainOutcomes } from './uncertainOutcomes.ts';
import type { MakeWorld } from './world.ts';

export type { JournalWorld, LossyJournal } from './world.ts';

export function journalConformance(makeWorld: MakeWorld): void {
  appending(makeWorld);
  reading(makeWorld);
  uncertainOutcomes(makeWorld);
  damage(makeWorld);
  snapshots(makeWorld);
  processes(makeWorld);
}
