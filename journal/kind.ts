/**
 * Kinds of journals: the program's only interface to one. Each has a folder here and a line in
 * src/app/registeredKinds.ts.
 */
import type { z } from 'zod';
import type { Probe } from '../kernels/checks/check.ts';
import type { SchemaContext } from '../kernels/schema/outside.ts';
import type { BackupFound, OnBackupProgress } from './backup/check.ts';
import type { DraftMarks } from './backup/drafts.ts';
import type { JobName } from './ids.ts';
import type { ImportFound, JournalImporting } from './importing.ts';
import type { Journal } from './port.ts';
import type { PresenceBoard } from './presence.ts';

/**
 * The validated `journal` section of a job file. `type` names the kind; the other keys belong to the kind.
 */
export interface JournalConfig {
  readonly type: string;
}

/** `create` creates a missing journal. `read` never appends and waits only briefly for a server. */
export type JournalAccess = 'create' | 'existing' | 'read';

export interface JournalOpening {
  readonly access: JournalAccess;
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal;
  /** If omitted, only a reader's wait for a server is limited. */
  readonly waitForServerMs?: number;
}

export interface JournalProbing {
  /** Unique letters and digits, for what is made and removed again. */
  readonly scratchId: string;
  readonly onWarning: (message: string) => void;
}

export interface JournalCopying {
  readonly job: JobName;
  /** Path of the backup. */
  readonly file: string;
  readonly onProgress: OnBackupProgress;
  readonly onWarning: (message: string) => void;
}

/** Backups in a format of the kind's own. */
export interface OwnBackups {
  /** Whether a file that begins with these bytes can be one. */
  recognizes(head: Buffer): boolean;
  /** Opens one for reading, in the place where it is. */
  open(file: string): Promise<Journal>;
}

export interface JournalKind<Config extends JournalConfig = JournalConfig, Parsed = unknown> {
  /** Its key below `journal`, and the type of its configuration. */
  readonly name: string;
  /** Whether several coordinators of a job can use it at the same time. */
  readonly isShared: boolean;
  /** Schema of its keys, with a description. */
  schema(context: SchemaContext): z.ZodType<Parsed>;
  toConfig(parsed: Parsed): Config;
  /** Location and further details, in words for users; the details may be empty. */
  describe(config: Config): { readonly place: string; readonly details: string };
  open(config: Config, opening: JournalOpening): Promise<Journal>;
  /**
   * What `tidemark doctor` checks. Never creates the journal, appends nothing to it and disturbs no owner.
   * Absent if there is nothing to check.
   */
  probe?(config: Config, probing: JournalProbing): Promise<Probe>;
  /** Where the job's coordinators report that they are alive, beside the journal. */
  openPresence(config: Config, onWarning: (message: string) => void): Promise<PresenceBoard>;
  /** Null if its backups are portable files. */
  readonly ownBackups: OwnBackups | null;
  /** Writes a backup, even while the job runs. */
  backup(
    config: Config,
    copying: JournalCopying & { readonly force: boolean; readonly marks: DraftMarks },
  ): Promise<BackupFound>;
  /** Puts a backup in the journal's place; there must be no journal yet. */
  restore(config: Config, copying: JournalCopying): Promise<BackupFound>;
  /**
   * Puts a journal of any kind in the journal's place, under its id; there must be no journal yet. Every
   * request that is filed afterwards has a higher revision than any that was taken up. An import that was
   * interrupted leaves nothing that can be opened, and the next one of the same file ends it. Rejects with
   * REQUEST_REFUSED if something else is there, JOURNAL_LOCKED if it is owned, JOURNAL_ENTRY_TOO_LARGE if an
   * entry has no room.
   */
  importCopy(config: Config, importing: JournalImporting): Promise<ImportFound>;
}
