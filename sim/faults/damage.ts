/** Damage of unpublished part files: which there are, and whether a repair must make all complete again. */
import type { Fault, Schedule, TracedEntry } from '../schedule.ts';
import type { DamagedFile } from '../simStores/port.ts';
import { hasHoles } from '../simKafka/holes.ts';
import type { DrawContext } from './kind.ts';

/**
 * Bytes of part files that are not published are lost, after every process died (`killed`): the files are
 * gone, or a byte of those in progress is another one. From then on, an operator asks for repairs.
 */
export interface Damage {
  readonly type: 'damage';
  readonly partition: number;
  readonly atMs: number;
  readonly how: 'removed' | 'changed';
  readonly all: boolean;
  readonly killed: boolean;
}

export function drawDamage({ random, store, partitions }: DrawContext, atMs: number): Damage {
  return {
    ...{ type: 'damage', partition: random.below(partitions), atMs },
    ...{ how: random.pick(['removed', 'changed'] as const), all: random.percent(40) },
    // A file that a process has open vanishes under it on a disk alone.
    killed: store !== 'file' || random.percent(70),
  };
}

/** After these it may rightly be impossible, or be given up. */
const NOT_MENDABLE: readonly Fault['type'][] = [
  ...(['hastyReader', 'replaceTopic', 'deploy', 'reconfigure', 'deleteTopic', 'logTruncated'] as const),
  ...(['expire', 'journalBack', 'journalDamage', 'answer', 'powerCut', 'backup', 'full'] as const),
];

export function isMendable({ faults, config, workload }: Schedule): boolean {
  if (hasHoles(workload) || faults.some((fault) => fault.type === 'election' && fault.rebuilt === true))
    return false;
  const isPowerCut = faults.some((fault) => fault.type === 'store' && fault.fault === 'powerCut');
  return (
    config.buckets.by !== 'wall-clock' &&
    !isPowerCut &&
    !faults.some(({ type }) => NOT_MENDABLE.includes(type))
  );
}

interface Raw {
  readonly type: string;
  readonly partId?: string;
  readonly finalUri?: string;
  readonly temporaryUri?: string;
  readonly toUri?: string;
  readonly parts?: readonly { readonly partId: string; readonly state: string }[];
}

/** Files of the partition that a completed checkpoint names, and that are not published, by the journal. */
export function unpublishedFiles(
  entries: readonly TracedEntry[],
  partition: number,
  how: Damage['how'],
): readonly DamagedFile[] {
  const files = new Map<string, Unpublished>();
  for (const { subject, text } of entries) {
    if (subject.includes('.request.')) continue;
    const entry = JSON.parse(text) as { partition?: number; events?: readonly Raw[] };
    if (entry.partition === partition) for (const event of entry.events ?? []) take(files, event);
  }
  const states = how === 'changed' ? ['inProgress'] : ['inProgress', 'pending'];
  return [...files.values()].filter(({ state }) => states.includes(state));
}

interface Unpublished {
  readonly finalUri: string;
  readonly temporaryUris: string[];
  state: string;
}

function take(files: Map<string, Unpublished>, event: Raw): void {
  const { type, partId = '', finalUri = '', temporaryUri = '', toUri = '', parts = [] } = event;
  switch (type) {
    case 'partOpened':
      files.set(partId, { finalUri, temporaryUris: [temporaryUri], state: 'open' });
      return;
    case 'partMoved':
      files.get(partId)?.temporaryUris.push(toUri);
      return;
    case 'partCommitted':
    case 'partDiscarded':
      files.delete(partId);
      return;
    case 'checkpointCompleted':
    case 'checkpointPart':
      for (const { partId: id, state } of parts) {
        const file = files.get(id);
        if (file !== undefined) file.state = state;
      }
      return;
    default:
  }
}
