/** What the file system of a folder is, and how much room it has, as the system tells it (statfs). */
import { fail, pass, warn, type Finding } from './check.ts';
import { bytesText } from './sizes.ts';

/** As node:fs gives it. */
export interface FileSystemStats {
  /** The kernel's magic number; other systems than Linux have other numbers. */
  readonly type: number;
  readonly bsize: number;
  readonly bavail: number;
  /** Inodes; 0 if the file system has no fixed number of them. */
  readonly files: number;
  readonly ffree: number;
}

type Nature = 'disk' | 'network' | 'memory' | 'layer' | 'linkless';

/** Magic numbers of Linux. */
const KNOWN: ReadonlyMap<number, readonly [name: string, nature: Nature]> = new Map([
  [0xef53, ['ext4', 'disk']],
  [0x58465342, ['xfs', 'disk']],
  [0x9123683e, ['btrfs', 'disk']],
  [0x2fc12fc1, ['zfs', 'disk']],
  [0xf2f52010, ['f2fs', 'disk']],
  [0x6969, ['NFS', 'network']],
  [0xff534d42, ['CIFS', 'network']],
  [0xfe534d42, ['SMB', 'network']],
  [0x517b, ['SMB', 'network']],
  [0x65735546, ['FUSE', 'network']],
  [0x01021997, ['9p', 'network']],
  [0x00c36400, ['Ceph', 'network']],
  [0x0bd00bd0, ['Lustre', 'network']],
  [0x47504653, ['GPFS', 'network']],
  [0x01021994, ['tmpfs', 'memory']],
  [0x858458f6, ['ramfs', 'memory']],
  [0x794c7630, ['overlay', 'layer']],
  [0x4d44, ['FAT', 'linkless']],
  [0x2011bab0, ['exFAT', 'linkless']],
]);

export interface FileSystemKind {
  readonly name: string;
  readonly nature: Nature | 'unknown';
}

export function fileSystemKind({ type }: Pick<FileSystemStats, 'type'>): FileSystemKind {
  const [name, nature] = KNOWN.get(type >>> 0) ?? [`type 0x${(type >>> 0).toString(16)}`, 'unknown'];
  return { name, nature };
}

const MIB = 1024 * 1024;
const ROOM_LEAST_BYTES = 100 * MIB;
const ROOM_WANTED_BYTES = 1024 * MIB;
const INODES_LEAST = 100;
const INODES_WANTED = 10_000;

/** Whether there is room for what a job writes: a full disk stops nothing for good, but nothing goes on. */
export function roomFinding(stats: FileSystemStats, where: string): Finding {
  const freeBytes = stats.bavail * stats.bsize;
  const hasInodes = stats.files > 0;
  const inodes = hasInodes ? `, ${stats.ffree} inodes` : '';
  const found = `${bytesText(freeBytes)} free${inodes} at ${where}`;
  const isBelow = (bytes: number, count: number): boolean =>
    freeBytes < bytes || (hasInodes && stats.ffree < count);
  const mend = `Make room there, at least ${bytesText(ROOM_WANTED_BYTES)} and ${INODES_WANTED} inodes.`;
  if (isBelow(ROOM_LEAST_BYTES, INODES_LEAST)) return fail(found, mend);
  return isBelow(ROOM_WANTED_BYTES, INODES_WANTED) ? warn(found, mend) : pass(found);
}
