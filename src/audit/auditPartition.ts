/** Audits one partition: its entries in order, its snapshots, its witnesses, its files. */
import type { DeepAudit } from './deep/deepAudit.ts';
import type { Destination } from './destination.ts';
import { report, type OpenDifference, type PartFileComparison } from './partFileComparison.ts';
import { PartitionReader, type PartitionReading } from './partitionReader.ts';
import type { Witnesses } from './witnesses.ts';

export interface Auditing extends PartitionReading {
  /** Null if they could not be read. */
  readonly witnesses: Witnesses | null;
  readonly destination: Destination;
  readonly files: PartFileComparison;
  /** Null if the source is not to be read. */
  readonly deep: DeepAudit | null;
}

/** Resolves with the reader, up to the journal's end, or up to the first entry that cannot be replayed. */
export async function auditPartition(auditing: Auditing): Promise<PartitionReader> {
  const { witnesses, destination, files, deep, journal } = auditing;
  deep?.begin();
  const reader = await PartitionReader.atEnd(auditing, {
    onFolded: (tail, history) => witnesses?.see(tail, history),
    async onCommitted(committed, history) {
      for (const file of committed) {
        destination.accountsFor(file.part.finalUri);
        deep?.holds({ ...file.part, durable: file.durable }, true);
        await files.committed(file, history);
      }
    },
  });
  if (!reader.isReadable) return reader;
  witnesses?.judge(reader.tail, journal.id, reader.history);
  await files.idle();
  await compareOpenFiles(files, reader);
  for (const { finalUri } of reader.history.parts) destination.accountsFor(finalUri);
  await deep?.compare(reader.history);
  return reader;
}

/**
 * The owner may change files between the journal and the look at them. A file that differs is therefore
 * looked at again with the journal's then end, until the journal says the same of it as before.
 */
async function compareOpenFiles(files: PartFileComparison, reader: PartitionReader): Promise<void> {
  let before: ReadonlySet<string> = new Set();
  for (;;) {
    const differences = await files.open(reader.history.ledger);
    const confirmed = differences.filter((each) => before.has(keyOf(each)));
    const hasMore = differences.length > confirmed.length && (await reader.readOn());
    if (!hasMore) {
      for (const each of differences) report(each, reader.history, null);
      return;
    }
    before = new Set(differences.map(keyOf));
  }
}

const keyOf = ({ difference, journaled }: OpenDifference): string => `${difference.uri} ${journaled}`;
