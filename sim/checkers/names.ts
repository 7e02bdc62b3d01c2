/**
 * P6: the number of names that takeovers journal is bounded by what happened to owners, not by how often a
 * destination refuses.
 */
import type { Fault, Violation } from '../schedule.ts';
import { violation, type Facts } from './facts.ts';

/** How many owners such a fault may cost each partition; null: any number. */
function ownersOf(fault: Fault): number | null {
  switch (fault.type) {
    case 'store':
      return fault.fault === 'refused' || fault.fault === 'slow' ? 0 : null;
    case 'away':
      return fault.service === 'store' ? 0 : null;
    case 'reader':
    case 'backup':
    case 'roll':
      return 0;
    case 'kill':
    case 'crash':
    case 'rebalance':
    case 'join':
    case 'leave':
      return 2;
    default:
      return null;
  }
}

/** One name for each owner and file: after a refusal, the journaled name is tried again. */
export function namesPileUp({ journal, schedule, fired }: Facts): Violation[] {
  const struck = schedule.faults.filter((_, index) => fired[index] === true).map(ownersOf);
  if (struck.includes(null)) return [];
  const namesMax = schedule.config.processes + struck.reduce<number>((sum, owners) => sum + (owners ?? 0), 0);
  return [...namesByFile(journal)].flatMap(([partId, { partition, names }]) => {
    if (names <= namesMax) return [];
    const text =
      `file ${partId} was given ${names} names by those who took it over; there were ${namesMax} ` +
      'owners at most';
    return [violation('P6', text, { partition })];
  });
}

/** Since the last completed checkpoint that holds the file, which makes earlier names history. */
function namesByFile(journal: Facts['journal']): ReadonlyMap<string, { partition: number; names: number }> {
  const most = new Map<string, { partition: number; names: number }>();
  const now = new Map<string, number>();
  for (const { text } of journal) {
    const { partition = -1, events = [] } = JSON.parse(text) as Entry;
    for (const { type, partId = '', parts = [] } of events) {
      for (const held of parts) now.delete(held.partId);
      if (type !== 'partMoved') continue;
      const names = (now.get(partId) ?? 0) + 1;
      now.set(partId, names);
      most.set(partId, { partition, names: Math.max(names, most.get(partId)?.names ?? 0) });
    }
  }
  return most;
}

interface Entry {
  readonly partition?: number;
  readonly events?: readonly RawEvent[];
}

interface RawEvent {
  readonly type: string;
  readonly partId?: string;
  readonly parts?: readonly { readonly partId: string }[];
}
