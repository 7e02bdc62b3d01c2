/**
 * What the destination holds, against what the journal says. Files are listed before the journal is read:
 * each that was visible then must be in it.
 */
import { markerFolderUri, type NamingRule } from '../../actors/naming.ts';
import { OwnNames } from '../../actors/ownNames.ts';
import { partitionName, type JobName, type JournalId } from '../../journal/ids.ts';
import type { Store } from '../stores/port.ts';
import type { Findings } from './findings.ts';
import type { JobHistory } from './jobHistory.ts';
import { SeenFiles } from './seenFiles.ts';

export interface DestinationOptions {
  readonly store: Pick<Store, 'reading' | 'readMarker'>;
  readonly job: JobName;
  /** Rule of today's configuration. */
  readonly naming: NamingRule;
  readonly topics: readonly string[];
  readonly history: JobHistory;
  readonly signal: AbortSignal;
  readonly findings: Findings;
}

export class Destination {
  readonly #options: DestinationOptions;
  readonly #seen = new SeenFiles();
  readonly #names: OwnNames;
  #isListed = false;
  /** Visible files with other names than this job's. */
  others = 0;
  /** Temporary files, whosoever they are. */
  temporary = 0;

  constructor(options: DestinationOptions) {
    this.#options = options;
    const { history, naming, topics } = options;
    this.#names = new OwnNames([...history.prefixes, naming.prefix], topics);
  }

  checkMarker(journalId: JournalId): Promise<void> {
    return checkMarker(this.#options, journalId);
  }

  /** Lists the sinks that the job has had. */
  async list(): Promise<void> {
    const { store, naming, history, signal, findings } = this.#options;
    try {
      for (const root of listedRoots(naming, history)) {
        for await (const files of store.reading.list(root, signal)) {
          for (const file of files) {
            if (file.kind === 'temporary') this.temporary += 1;
            else if (this.#names.partitionOf(file.uri) !== null) this.#seen.add(file);
            else this.others += 1;
          }
        }
      }
      this.#isListed = true;
    } catch (error) {
      signal.throwIfAborted();
      findings.couldNot('the list of files at the destination', error);
    }
  }

  /** The journal holds a file with this final name. */
  accountsFor(finalUri: string): void {
    this.#seen.remove(finalUri);
  }

  /**
   * Call it when the journal has accounted for all that it holds. Of partitions in `unread`, whose entries
   * could not be replayed to the end, nothing can be said.
   */
  reportUnknown(unread: ReadonlySet<string>): void {
    if (!this.#isListed) return;
    for (const { uri, length } of this.#seen.left()) {
      const partition = this.#names.partitionOf(uri);
      if (partition !== null && unread.has(partitionName(partition))) continue;
      const message = `${uri} (${length} bytes) has a name of this job, and its journal does not hold it`;
      this.#options.findings.add({ code: 'FILE_UNKNOWN', partition, seq: null, uri, message });
    }
  }

  close(): void {
    this.#seen.close();
  }
}

/** Finds out whether the destination is the one of this journal. */
export async function checkMarker(
  {
    store,
    naming,
    job,
    findings,
  }: Pick<DestinationOptions, 'naming' | 'job' | 'findings'> & {
    readonly store: Pick<Store, 'readMarker'>;
  },
  journalId: JournalId,
): Promise<void> {
  const folder = markerFolderUri(naming);
  try {
    const marker = await store.readMarker(folder, job);
    if (marker === journalId) return;
    const message =
      marker === null
        ? `${folder} has no marker of job "${job}": it is not the destination, or not mounted`
        : `${folder} belongs to journal ${marker} of job "${job}", not to this one`;
    findings.add({ code: 'MARKER_DIFFERS', partition: null, seq: null, uri: folder, message });
  } catch (error) {
    findings.couldNot('the marker at the destination', error);
  }
}

/** Folders below which all files of the job are, also those of earlier sinks. */
export function listedRoots(naming: NamingRule, { sinks }: Pick<JobHistory, 'sinks'>): ReadonlySet<string> {
  return new Set([naming.sinkUri, ...sinks].map((uri) => listedRoot(uri, naming)));
}

/**
 * The deepest folder that holds all of the sink's files: the path before the segment with the entropy key.
 */
function listedRoot(sinkUri: string, { entropy }: NamingRule): string {
  const at = entropy === null ? -1 : sinkUri.indexOf(entropy.key, sinkUri.indexOf('://') + '://'.length);
  return at === -1 ? sinkUri : sinkUri.slice(0, sinkUri.lastIndexOf('/', at));
}
