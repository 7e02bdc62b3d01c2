/**
 * Which group member this process is, on disk. A killed process leaves its member in the group, and with it its partitions,
 * until the session ends; the next process on this machine reads the record, finds that the process is gone, and makes that
 * member leave. A record of another boot, of another pid namespace or of a living process is left alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

export interface MemberRecord {
  readonly groupId: string;
  readonly memberId: string;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** In clock ticks since boot, as in /proc/[pid]/stat. */
  readonly processStartTime: string;
}

export type ProcessIdentity = Pick<MemberRecord, 'bootId' | 'pidNamespace' | 'pid' | 'processStartTime'>;

/** What the records are judged by; /proc on Linux. */
export interface ProcessTable {
  /** Null where the system cannot tell: then no records are kept. */
  self(): ProcessIdentity | null;
  /** Start time of a living process; null where there is none. */
  startTimeOf(pid: number): string | null;
}

export const procTable: ProcessTable = {
  self() {
    const processStartTime = startTimeFrom('/proc/self/stat');
    if (process.platform !== 'linux' || processStartTime === null) return null;
    return {
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      pid: process.pid,
      processStartTime,
    };
  },
  startTimeOf: (pid) => startTimeFrom(`/proc/${pid}/stat`),
};

/** The 22nd field; the second, the program's name in parentheses, may hold spaces. A zombie holds no connection: it counts as gone. */
function startTimeFrom(statFile: string): string | null {
  let stat: string;
  try {
    stat = readFileSync(statFile, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : (fields[18] ?? null);
}

export interface DeadMember {
  readonly record: MemberRecord;
  readonly file: string;
}

export class MemberRecords {
  readonly #stateDir: string;
  readonly #groupId: string;
  readonly #table: ProcessTable;
  readonly #self: ProcessIdentity | null;
  readonly #prefix: string;
  readonly #ownFile: string;

  constructor(stateDir: string, groupId: string, table: ProcessTable = procTable) {
    this.#stateDir = stateDir;
    this.#groupId = groupId;
    this.#table = table;
    this.#self = table.self();
    this.#prefix = `kafka-member-${createHash('sha256').update(groupId).digest('hex').slice(0, 16)}-`;
    // Random: the same pid comes again, and one process may hold two members of a group.
    this.#ownFile = path.join(
      stateDir,
      `${this.#prefix}${process.pid}-${randomBytes(4).toString('hex')}.json`,
    );
  }

  /** Replaces this member's record at once; a crash in the middle leaves the old one. */
  write(memberId: string): void {
    if (this.#self === null) return;
    mkdirSync(this.#stateDir, { recursive: true });
    const record: MemberRecord = { groupId: this.#groupId, memberId, ...this.#self };
    const draft = `${this.#ownFile}.new`;
    writeFileSync(draft, `${JSON.stringify(record)}\n`);
    renameSync(draft, this.#ownFile);
  }

  remove(): void {
    rmSync(this.#ownFile, { force: true });
  }

  /** Members of this group whose process was on this machine and is gone. */
  dead(): DeadMember[] {
    const self = this.#self;
    if (self === null) return [];
    return this.#files().flatMap((file) => {
      const record = parseRecord(readFileSync(file, 'utf8'));
      if (record?.groupId !== this.#groupId) return [];
      if (record.bootId !== self.bootId || record.pidNamespace !== self.pidNamespace) return [];
      return this.#table.startTimeOf(record.pid) === record.processStartTime ? [] : [{ record, file }];
    });
  }

  /** The dead member has left the group. */
  forget({ file }: DeadMember): void {
    rmSync(file, { force: true });
  }

  #files(): string[] {
    try {
      const names = readdirSync(this.#stateDir).filter(
        (name) => name.startsWith(this.#prefix) && name.endsWith('.json'),
      );
      return names.map((name) => path.join(this.#stateDir, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

/** Null where the text is no record: somebody else's file. */
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
  const valid = texts.every((key) => typeof record[key] === 'string') && Number.isInteger(record['pid']);
  return valid ? (value as MemberRecord) : null;
}
