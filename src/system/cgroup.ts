/** The limits of the control group of this process: of a container, a systemd unit, a pod. Linux alone. */
import { readFileSync } from 'node:fs';
import path from 'node:path/posix';

export interface CgroupLimits {
  /** The least `memory.max` (version 1: `memory.limit_in_bytes`) on the way to the top. Null: none. */
  readonly memoryBytes: number | null;
  /** Above it the kernel slows the process down (`memory.high`). Null: none. */
  readonly memoryHighBytes: number | null;
  /** CPUs by the quota. Null: none. */
  readonly cpus: number | null;
}

/** The text of a file. Null if there is none, or if it may not be read. */
export type ReadText = (file: string) => string | null;

const ROOT = '/sys/fs/cgroup';
/** Version 1 writes the largest multiple of a page for "no limit". */
const NO_LIMIT_BYTES = 2 ** 60;

export function cgroupLimits(read: ReadText = readText): CgroupLimits {
  const lines = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const unified = lines.find(([id, controllers]) => id === '0' && controllers === '')?.[2];
  const ofVersion1 = (controller: string): string | undefined =>
    lines.find(([, controllers = '']) => controllers.split(',').includes(controller))?.[2];
  const memory1 = ofVersion1('memory');
  const cpu1 = ofVersion1('cpu');
  return {
    memoryBytes:
      memory1 === undefined
        ? leastOf(read, ROOT, unified, 'memory.max')
        : leastOf(read, `${ROOT}/memory`, memory1, 'memory.limit_in_bytes'),
    memoryHighBytes: memory1 === undefined ? leastOf(read, ROOT, unified, 'memory.high') : null,
    cpus: cpu1 === undefined ? leastCpus(read, unified) : cpusOfVersion1(read, cpu1),
  };
}

/**
 * The folders of the group and of all above it. A container may see its own group at the top, although its
 * path names it as the host does.
 */
function foldersOf(root: string, group: string | undefined): readonly string[] {
  const folders = [root];
  for (let at = path.normalize(`/${group ?? ''}`); at !== '/'; at = path.dirname(at)) folders.push(root + at);
  return folders;
}

function leastOf(read: ReadText, root: string, group: string | undefined, file: string): number | null {
  const limits = foldersOf(root, group)
    .map((folder) => Number.parseInt(read(`${folder}/${file}`) ?? '', 10))
    .filter((bytes) => bytes >= 0 && bytes < NO_LIMIT_BYTES);
  return limits.length === 0 ? null : Math.min(...limits);
}

function leastCpus(read: ReadText, group: string | undefined): number | null {
  const quotas = foldersOf(ROOT, group).flatMap((folder) => {
    const [quota = '', period = ''] = (read(`${folder}/cpu.max`) ?? '').trim().split(' ');
    return /^\d+$/.test(quota) && Number(period) > 0 ? [Number(quota) / Number(period)] : [];
  });
  return quotas.length === 0 ? null : Math.min(...quotas);
}

function cpusOfVersion1(read: ReadText, group: string): number | null {
  const quotas = foldersOf(`${ROOT}/cpu`, group).flatMap((folder) => {
    const quota = Number.parseInt(read(`${folder}/cpu.cfs_quota_us`) ?? '', 10);
    const period = Number.parseInt(read(`${folder}/cpu.cfs_period_us`) ?? '', 10);
    return quota > 0 && period > 0 ? [quota / period] : [];
  });
  return quotas.length === 0 ? null : Math.min(...quotas);
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'EOPNOTSUPP'].includes(code)) return null;
    throw error;
  }
}
