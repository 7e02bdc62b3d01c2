/**
 * The Store port: recoverable writers of part files.
 *
 * Lifecycle of a file: create -> write* -> persist* -> closeForCommit -> commit. A later owner continues from journaled facts
 * only: `resume` or `finish` with what the last completed checkpoint said, `commitAfterRecovery` for closed files, `discard` for
 * the rest. No epoch writes where another epoch wrote, and nothing that an old owner can still reach is ever published.
 * Names are whole URIs as journaled, so that files opened under an earlier configuration can be settled.
 * Every store passes test/conformance/store.
 */
import type { Crc64Hex, JournalId } from '../../journal/ids.ts';

/** Durable handle of a file, as journaled; its store alone reads it. */
export type StoreHandle = null | boolean | number | string | StoreHandle[] | { [key: string]: StoreHandle };

/** What a file is and where it goes. */
export interface PartTarget {
  readonly partId: string;
  readonly finalUri: string;
  /** The temporary name that holds the data now. */
  readonly temporaryUri: string;
  /** For a store that resumes: other journaled names under which the data may be, since a takeover was interrupted; newest first. */
  readonly formerUris?: readonly string[];
}

/** What a completed checkpoint said of a file. */
export interface DurablePart {
  readonly length: number;
  readonly crc64: Crc64Hex;
  readonly handle: StoreHandle;
}

/** A file being written by this process. One call at a time; the caller keeps the order. */
export interface OpenFile {
  /**
   * What a later owner needs to get rid of the file (an upload id), to be journaled (partStarted) before the first write; absent
   * where the names say it all.
   */
  readonly startHandle?: StoreHandle;
  /** Appends. The bytes may be reused after it resolves. A failure leaves the file unusable: abandon it. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes everything written so far durable. STORE_OUTCOME_UNKNOWN after a failed flush: the epoch is given up. */
  persist(): Promise<StoreHandle>;
  /** A completed checkpoint names this handle of the file: what only earlier ones needed may go, with the next call. */
  checkpointed?(handle: StoreHandle): void;
  /** Makes it durable and lets go of every way to change it. Writing afterwards fails. */
  closeForCommit(): Promise<StoreHandle>;
  /** Lets go of it and leaves what is there; idempotent, never publishes. */
  abandon(): Promise<void>;
}

/** For a journal that went back: what it knows of files is found by their bytes. Nothing that stands is changed. */
export interface Salvage {
  /** URIs of the files below the folder, at any depth, that readers see and whose names match. */
  list(folderUri: string, matches: (name: string) => boolean): Promise<readonly string[]>;
  /** URIs of Tidemark's temporary files in the folder itself. */
  hidden(folderUri: string): Promise<readonly string[]>;
  stands(uri: string): Promise<boolean>;
  /** Whether the file begins with the journaled bytes, and what it holds in all; null where there is none that can be read. */
  compare(
    uri: string,
    durable: DurablePart,
  ): Promise<{ readonly holds: boolean; readonly length: number; readonly crc64: Crc64Hex } | null>;
  /** Makes a closed, durable copy of the journaled bytes under a new hidden name. */
  copy(fromUri: string, durable: DurablePart, toUri: string): Promise<void>;
}

/** How a file in progress is taken over from an earlier owner: the store can append to it, or it cannot. */
export type Takeover = ResumingTakeover | FinishingTakeover;

export interface ResumingTakeover {
  readonly type: 'resume';
  /**
   * Moves the file, wherever it is, to `toUri`, a temporary name that is journaled before (partMoved), so that no other taker finds it;
   * returns it open behind `durable.length`, its CRC verified. What came after is gone, and no earlier owner can reach the file.
   * STORE_CONTENT_DIFFERS or STORE_FILE_MISSING if the durable bytes are not there.
   */
  resume(target: PartTarget, durable: DurablePart, toUri: string): Promise<OpenFile>;
}

export interface FinishingTakeover {
  readonly type: 'finish';
  /** Whether the finished file is a copy under a new temporary name, which is journaled before (partMoved). The source stays. */
  readonly copies: boolean;
  /**
   * Leaves a closed file of exactly `durable.length` bytes, its CRC verified, which no earlier owner can reach, at `toUri`: a new temporary
   * name if the store copies, else the file's own. Returns what is to be committed. STORE_CONTENT_DIFFERS or STORE_FILE_MISSING if the
   * durable bytes are not there.
   */
  finish(target: PartTarget, durable: DurablePart, to: { readonly toUri: string }): Promise<DurablePart>;
}

/** What a store puts beside a file: objects that hold a part of it until a later one replaces them. */
export interface SideObjects {
  /**
   * For an owner that has learned that its epoch was over: removes what it may have put beside the file after its successor had taken it
   * over, and keeps what `checkpointed`, the handle of the last completed checkpoint, names.
   */
  discardUncheckpointed(target: PartTarget, checkpointed: StoreHandle): Promise<void>;
}

export interface Store {
  readonly kind: 'file' | 'oss-hdfs' | 'oss';
  readonly takeover: Takeover;

  /**
   * The store as one claim uses it; closed with its epoch. A service that tells its clients apart by their names must be able to
   * take a file from one claim and give it to the next, also within a process. The store itself where it needs no such thing.
   */
  session(): Store;

  /** Creates the temporary file exclusively. STORE_EXISTS, STORE_OUTCOME_UNKNOWN: discard this part and open another. */
  create(target: PartTarget): Promise<OpenFile>;

  /** Publishes a file that this process closed; compares the length. Never over an existing different file. */
  commit(target: PartTarget, durable: DurablePart): Promise<void>;

  /**
   * Publishes a file of an earlier owner, or one whose commit had an unknown outcome; idempotent. Probes the temporary, then the
   * final name, reads back against the CRC: STORE_CONTENT_DIFFERS, STORE_FILE_MISSING (neither is there, stable): stop (P6).
   */
  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void>;

  /** Removes temporary files by name; idempotent; never touches a final name. */
  discard(temporaryUris: readonly string[], handle: StoreHandle): Promise<void>;

  /** Absent if the store puts nothing beside a file. */
  readonly sideObjects?: SideObjects;

  /** Absent where the store cannot look for bytes: then a journal that went back is only to be restored. */
  readonly salvage?: Salvage;

  /**
   * The marker that binds the destination to a journal: creates it for `id` exclusively where there is none, and gives the id that
   * stands there in either case.
   */
  claimMarker(sinkUri: string, job: string, id: JournalId): Promise<JournalId>;
  /** The journal id of the marker; null where there is none. */
  readMarker(sinkUri: string, job: string): Promise<JournalId | null>;

  /**
   * Makes an object without content of this name in the folder, durably. The name is all that is to be known of it, so it stands
   * whole or not at all, and writing it twice is writing it once. Never changes or removes another one.
   */
  writeWitness(folderUri: string, name: string): Promise<void>;
  /** What stands in the folder by name, witnesses or the folders that hold them, sorted; empty where there is no such folder. */
  listWitnesses(folderUri: string): Promise<readonly string[]>;
  /** Removes witnesses by name; idempotent. One that comes back after a power cut does no harm. */
  removeWitnesses(folderUri: string, names: readonly string[]): Promise<void>;

  close(): Promise<void>;
}
