/**
 * The Store port: recoverable writers of part files.
 *
 * Lifecycle of a file: create -> write* -> persist* -> closeForCommit -> commit. A later owner uses journaled
 * facts only: `resume` or `finish` with the state of the last completed checkpoint, `commitAfterRecovery` for
 * closed files, `discard` for the rest. No epoch writes where another epoch wrote. Nothing that an old owner
 * can still reach is ever published. Names are whole URIs as journaled, so that files opened under an earlier
 * configuration can be taken over. Failures are StoreFailures (failure.ts): their problem decides what
 * follows. Every store passes test/conformance/store.
 */
import type { Crc64Hex, JournalId } from '../../journal/ids.ts';
import type { ContentVerdict, StoreReading } from './reading.ts';
import type { Temporaries } from './temporaries.ts';

/** Durable handle of a file, as journaled. Only its store interprets it. */
export type StoreHandle = null | boolean | number | string | StoreHandle[] | { [key: string]: StoreHandle };

/** A file and its names. */
export interface PartTarget {
  readonly partId: string;
  readonly finalUri: string;
  /** The temporary name that holds the data now. */
  readonly temporaryUri: string;
  /**
   * For a store that resumes: other journaled names that may hold the data because a takeover was
   * interrupted. Newest first.
   */
  readonly formerUris?: readonly string[];
}

/** State of a file in a completed checkpoint. */
export interface DurablePart {
  readonly length: number;
  readonly crc64: Crc64Hex;
  readonly handle: StoreHandle;
}

/** A file that this process is writing. One call at a time: the caller keeps the order. */
export interface OpenFile {
  /** Memory that the store keeps of it, in bytes; absent if it keeps none. */
  readonly heldBytes?: number;
  /** The store wants it closed: it takes more, but not much. Absent: it never does. */
  readonly isFull?: boolean;
  /**
   * What a later owner needs to remove the file (an upload id). Journaled (partStarted) before the first
   * write. Absent if the names suffice.
   */
  readonly startHandle?: StoreHandle | undefined;
  /**
   * Appends. The caller may reuse the bytes after it resolves. A failure makes the file unusable: abandon it.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes everything written so far durable. STORE_OUTCOME_UNKNOWN after a failed flush: the epoch ends. */
  persist(): Promise<StoreHandle>;
  /**
   * A completed checkpoint contains this handle. The next call may remove what only earlier handles needed.
   */
  checkpointed?(handle: StoreHandle): void;
  /** Makes the file durable and releases every means to change it. Later writes fail. */
  closeForCommit(): Promise<StoreHandle>;
  /** Releases the file and leaves its data in place. Idempotent; never publishes. */
  abandon(): Promise<void>;
}

/**
 * For a journal that went back: keeps bytes that it knows, which were found by reading. Changes no existing
 * file.
 */
export interface Salvage {
  /** Makes a closed, durable copy of the journaled bytes under a new hidden name. */
  copy(fromUri: string, durable: DurablePart, toUri: string): Promise<void>;
}

/**
 * How to take over a file in progress from an earlier owner: resume it, or finish it if the store cannot
 * append.
 */
export type Takeover = ResumingTakeover | FinishingTakeover;

export interface ResumingTakeover {
  readonly type: 'resume';
  /**
   * Moves the file, from whichever name holds it, to `toUri`: a temporary name, journaled before (partMoved),
   * so that no other new owner finds the file. Returns it open at `durable.length`, its CRC verified. Later
   * bytes are gone, and no earlier owner can reach the file. STORE_CONTENT_DIFFERS or STORE_FILE_MISSING if
   * the durable bytes are not there.
   */
  resume(target: PartTarget, durable: DurablePart, toUri: string): Promise<OpenFile>;
}

export interface FinishingTakeover {
  readonly type: 'finish';
  /**
   * Whether the finished file is a copy under a new temporary name, journaled before (partMoved). The source
   * stays.
   */
  readonly copies: boolean;
  /**
   * Leaves a closed file of exactly `durable.length` bytes, and then `tail`, at `toUri`, its CRC verified,
   * which no earlier owner can reach. `toUri` is a new temporary name if the store copies, else the file's
   * own. Returns what to commit. STORE_CONTENT_DIFFERS or STORE_FILE_MISSING if the durable bytes are not
   * there.
   */
  finish(target: PartTarget, durable: DurablePart, to: FinishedFile): Promise<DurablePart>;
}

export interface FinishedFile {
  readonly toUri: string;
  /** What the file's format ends it with; empty if its lines are all of it. */
  readonly tail: Uint8Array;
}

/**
 * Temporary files beside part files: what a part file in progress does not hold yet (src/formats/rows.ts).
 * They are never published, and `discard` removes them by name. `persist` of such a file returns null: its
 * name, length and CRC are all that a later owner needs.
 */
export interface ScratchFiles {
  /** Creates it exclusively. Fails as `Store.create` does. */
  create(uri: string): Promise<OpenFile>;
  /**
   * Gives the first bytes of one that an earlier owner wrote to `take`, chunk after chunk, each valid during
   * the call. It may be longer. Cuts that owner off if the store lets nobody read a file that is being
   * written. Rejects with STORE_CONTENT_DIFFERS or STORE_FILE_MISSING if the bytes are not there, or if their
   * CRC is another one: then nothing that was taken counts.
   */
  read(uri: string, durable: Omit<DurablePart, 'handle'>, take: (chunk: Uint8Array) => void): Promise<void>;
}

/** For a store whose `reading` shows no file before it is published. */
export interface UnpublishedFiles {
  /**
   * Compares what it keeps of the file with its durable bytes. Changes nothing. STORE_UNAVAILABLE if it does
   * not answer.
   */
  verify(target: PartTarget, durable: DurablePart): Promise<ContentVerdict>;
}

/** Objects that a store puts beside a file. Each holds a part of the file until a later one replaces it. */
export interface SideObjects {
  /**
   * For an owner that has learned that its epoch is over. Removes the objects that it may have put beside the
   * file after its successor took the file over. Keeps those that `checkpointed`, the handle of the last
   * completed checkpoint, names.
   */
  discardUncheckpointed(target: PartTarget, checkpointed: StoreHandle): Promise<void>;
}

export interface Store {
  readonly kind: 'file' | 'oss-hdfs' | 'oss';
  readonly takeover: Takeover;
  /** What stands at the destination. The store needs to be neither claimed nor written for that. */
  readonly reading: StoreReading;

  /**
   * The store as one claim uses it; closed with its epoch. A service that identifies its clients by name must
   * be able to move a file from one claim to the next, even within a process. A store that needs no such
   * distinction returns itself.
   */
  session(): Store;

  /**
   * Creates the temporary file exclusively. STORE_EXISTS or STORE_OUTCOME_UNKNOWN: discard this part and open
   * another.
   */
  create(target: PartTarget): Promise<OpenFile>;

  /**
   * Publishes a file that this process closed, after comparing its length. Never overwrites a different file.
   */
  commit(target: PartTarget, durable: DurablePart): Promise<void>;

  /**
   * Publishes a file of an earlier owner, or one whose commit had an unknown outcome. Idempotent. Probes the
   * temporary name, then the final one, and verifies the CRC. STORE_CONTENT_DIFFERS, or STORE_FILE_MISSING if
   * neither name exists in repeated probes: stop (P6).
   */
  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void>;

  /** Removes temporary files by name. Idempotent; never touches a final name. */
  discard(temporaryUris: readonly string[], handle: StoreHandle): Promise<void>;

  readonly scratch: ScratchFiles;

  /**
   * Memory of open files beyond what the store may use, in bytes: part files must be closed for it. Absent if
   * the store keeps none.
   */
  readonly excessBytes?: number;

  /** Absent if `reading` shows files before they are published. */
  readonly unpublished?: UnpublishedFiles;

  /** Absent if the store puts nothing beside a file. */
  readonly sideObjects?: SideObjects;

  /** Absent if the store cannot copy them. Then a journal that went back can only be restored. */
  readonly salvage?: Salvage;

  /** For an operator who looks for what was left behind: the store is neither claimed nor written. */
  readonly temporaries: Temporaries;

  /**
   * Claims the marker that binds the destination to a journal: creates it exclusively for `id` if there is
   * none. Returns the id that the marker holds in either case.
   */
  claimMarker(sinkUri: string, job: string, id: JournalId): Promise<JournalId>;
  /** The journal id of the marker. Null if there is none. */
  readMarker(sinkUri: string, job: string): Promise<JournalId | null>;

  /**
   * Creates an empty object with this name in the folder, durably. The name is all of its information. So the
   * object exists whole or not at all, and writing it twice equals writing it once. Never changes or removes
   * another one.
   */
  writeWitness(folderUri: string, name: string): Promise<void>;
  /**
   * Names in the folder, sorted: witnesses, or the folders that hold them. Empty if there is no such folder.
   */
  listWitnesses(folderUri: string): Promise<readonly string[]>;
  /** Removes witnesses by name. Idempotent. A witness that reappears after a power cut does no harm. */
  removeWitnesses(folderUri: string, names: readonly string[]): Promise<void>;

  close(): Promise<void>;
}
