/** P3: records of one partition keep their order inside a part file. */
import type { Violation } from '../schedule.ts';
import { linesOf, parseValue, violation, type Facts } from './facts.ts';

export function checkP3({ visible }: Facts): Violation[] {
  return visible.flatMap(({ uri, content }) => (content === null ? [] : outOfOrder(uri, content)));
}

function outOfOrder(uri: string, content: string): Violation[] {
  const last = new Map<number, number>();
  for (const line of linesOf(content).lines) {
    const value = parseValue(line);
    if (value === null) continue;
    const { partition, offset } = value;
    const before = last.get(partition) ?? -1;
    if (offset < before) {
      const message = `${uri} holds offset ${offset} of partition ${partition} behind offset ${before}`;
      const offsets = [String(before), String(offset)];
      return [violation('P3', message, { partition, offsets, files: [uri] })];
    }
    last.set(partition, offset);
  }
  return [];
}
