/** Kinds of journals: all that the rest of the program knows of one. Each has a folder here, and a line in src/app/kinds.ts. */
import type { z } from 'zod';
import type { SchemaContext } from '../kernels/schema/outside.ts';
import type { BackupFound, OnBackupProgress } from './backup/check.ts';
import type { JobName } from './ids.ts';
import type { Journal } from './port.ts';
import type { PresenceBoard } from './presence.ts';

/** What a job file says of its journal, checked: `type` names the kind, the rest is the kind's own. */
export interface JournalConfig {
  readonly type: string;
}

/** `create` makes a missing journal; `read` never appends and waits only shortly for a server. */
export type JournalAccess = 'create' | 'existing' | 'read';

export interface JournalOpening {
  readonly access: JournalAccess;
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Without it only a reader's wait for a server ends. */
  readonly waitForServerMs?: number;
}

export interface JournalCopying {
  readonly job: JobName;
  /** Of the backup. */
  readonly file: string;
  readonly onProgress: OnBackupProgress;
  readonly onWarning: (message: string) => void;
}

export interface JournalKind<Config extends JournalConfig = JournalConfig, Parsed = unknown> {
  /** Its key below `journal`, and the type of its configuration. */
  readonly name: string;
  /** Of its keys, with a description. */
  schema(context: SchemaContext): z.ZodType<Parsed>;
  toConfig(parsed: Parsed): Config;
  /** Where it is, and what more there is to say, for people; the latter may be empty. */
  describe(config: Config): { readonly place: string; readonly details: string };
  open(config: Config, opening: JournalOpening): Promise<Journal>;
  /** Where the job's coordinators say that they live: beside the journal. */
  openPresence(config: Config, onWarning: (message: string) => void): Promise<PresenceBoard>;
  /** Writes a backup, also while the job runs. */
  backup(config: Config, copying: JournalCopying & { readonly force: boolean }): Promise<BackupFound>;
  /** Puts a backup where the journal is looked for, and where none is. */
  restore(config: Config, copying: JournalCopying): Promise<BackupFound>;
}
