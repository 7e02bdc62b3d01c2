/**
 * The group member that this process is, on disk. A killed process leaves its member, and so its partitions,
 * in the group until the session ends. The next process on this machine reads the record, finds that the
 * process is gone, and makes that member leave. A record of another boot, of another pid namespace or of a
 * living process is ignored.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isGone, procTable, type ProcessIdentity, type ProcessTable } from '../../../system/processTable.ts';
import { reasonOf } from '../errors.ts';

export interface MemberRecord extends ProcessIdentity {
  readonly groupId: string;
  readonly memberId: string;
  /** Of a static member, which keeps its place when it ends. Absent: it is none. */
  readonly instanceId?: string;
}

export interface DeadMember {
  readonly record: MemberRecord;
  readonly file: string;
}

/**
 * The records of a group's members in one folder. They only shorten a wait: a failure to read or remove one
 * is logged once, and ends nothing.
 */
export class MemberRecords {
  readonly #stateDir: string;
  readonly #groupId: string;
  readonly #table: ProcessTable;
  readonly #self: ProcessIdentity | null;
  readonly #prefix: string;
  readonly #ownFile: string;
  readonly #tell: (message: string) => void;
  readonly #told = new Set<string>();
  /** Members that have left although their records still exist. */
  readonly #dismissed = new Set<string>();

  constructor(
    stateDir: string,
    groupId: string,
    table: ProcessTable = procTable,
    tell: (message: string) => void = () => undefined,
  ) {
    this.#stateDir = stateDir;
    this.#groupId = groupId;
    this.#table = table;
    this.#tell = tell;
    this.#self = this.#orTold(null, 'Whether members of killed processes are left cannot be told', () =>
      table.self(),
    );
    this.#prefix = `kafka-member-${createHash('sha256').update(groupId).digest('hex').slice(0, 16)}-`;
    // Random: pids are reused, and one process may hold two members of a group.
    this.#ownFile = path.join(
      stateDir,
      `${this.#prefix}${process.pid}-${randomBytes(4).toString('hex')}.json`,
    );
  }

  /** Replaces this member's record atomically: a crash in the middle leaves the old one. */
  write(memberId: string, instanceId: string | null = null): void {
    if (this.#self === null) return;
    mkdirSync(this.#stateDir, { recursive: true });
    const place = instanceId === null ? {} : { instanceId };
    const record: MemberRecord = { groupId: this.#groupId, memberId, ...place, ...this.#self };
    const draft = `${this.#ownFile}.new`;
    writeFileSync(draft, `${JSON.stringify(record)}\n`);
    renameSync(draft, this.#ownFile);
  }

  remove(): void {
    this.#removeFile(this.#ownFile);
  }

  /** Members of this group whose process was on this machine and is gone. */
  dead(): DeadMember[] {
    const self = this.#self;
    if (self === null) return [];
    return this.#files().flatMap((file) =>
      this.#orTold([], `The record ${file} of a group member cannot be read`, () => {
        const record = parseRecord(readFileSync(file, 'utf8'));
        if (record?.groupId !== this.#groupId || this.#dismissed.has(record.memberId)) return [];
        return isGone(record, self, this.#table) ? [{ record, file }] : [];
      }),
    );
  }

  /** Removes the record of a dead member that has left the group. */
  forget({ file, record }: DeadMember): void {
    this.#dismissed.add(record.memberId);
    this.#removeFile(file);
  }

  #removeFile(file: string): void {
    this.#orTold(undefined, `The record ${file} of a group member cannot be removed`, () => {
      rmSync(file, { force: true });
    });
  }

  #files(): string[] {
    return this.#orTold([], `The folder ${this.#stateDir} cannot be read`, () => {
      const names = readdirSync(this.#stateDir).filter(
        (name) => name.startsWith(this.#prefix) && name.endsWith('.json'),
      );
      return names.map((name) => path.join(this.#stateDir, name));
    });
  }

  /** A missing file is no failure: another process removed it. */
  #orTold<T>(otherwise: T, problem: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !this.#told.has(problem)) {
        this.#told.add(problem);
        this.#tell(`${problem}: ${reasonOf(error)}`);
      }
      return otherwise;
    }
  }
}

/** Null if the text is not a record: the file belongs to somebody else. */
export function parseRecord(text: string): MemberRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as Record<string, unknown>;
  const texts = ['groupId', 'memberId', 'bootId', 'pidNamespace', 'processStartTime'];
  const hasPlace = ['string', 'undefined'].includes(typeof record['instanceId']);
  const valid =
    hasPlace && texts.every((key) => typeof record[key] === 'string') && Number.isInteger(record['pid']);
  return valid ? (value as MemberRecord) : null;
}
