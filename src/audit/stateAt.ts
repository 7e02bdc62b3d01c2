/** The state of a partition as its journal had it at a moment. */
import { PartitionLedger } from '../../actors/ledger.ts';
import type { Subject } from '../../journal/ids.ts';
import type { JournalReader } from '../../journal/port.ts';
import { replay } from '../../journal/replay.ts';
import { partitionEvents } from '../partition/replayPartition.ts';
import { compareToMoment, type Moment } from './replayJob.ts';

/** Null if the journal had no entry of the partition yet. Rejects as `replay` does. */
export async function ledgerAt(
  journal: JournalReader,
  subject: Subject,
  moment: Moment,
): Promise<PartitionLedger | null> {
  const ledger = new PartitionLedger();
  let isEmpty = true;
  for await (const { entry } of replay(journal, subject)) {
    if (compareToMoment(entry, moment) > 0) break;
    ledger.fold(partitionEvents(entry.events, subject));
    isEmpty = false;
  }
  return isEmpty ? null : ledger;
}
