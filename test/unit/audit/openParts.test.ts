import { describe, expect, it } from 'vitest';
import type { PartChange } from '../../../journal/events.ts';
import { crc64Hex, partId } from '../../../journal/ids.ts';
import { OpenParts } from '../../../src/audit/openParts.ts';

const ID = partId('a'.repeat(32));

/** A file that was opened when everything below `openedAt` was counted. */
function openedAt(fromOffset: bigint): OpenParts {
  const parts = new OpenParts();
  parts.opened(
    {
      ...{ type: 'partOpened', partId: ID, bucket: '', finalUri: 'file:///x', temporaryUri: 'file:///.x' },
      ...{ format: 'text', firstOffset: fromOffset, generation: 1, openedAtMs: 0 },
    },
    fromOffset,
  );
  return parts;
}

function holding(firstOffset: bigint, lastOffset: bigint): PartChange {
  return {
    ...{ partId: ID, state: 'inProgress', length: 9, records: Number(lastOffset - firstOffset) + 1 },
    ...{ firstOffset, lastOffset, crc64: crc64Hex('0'.repeat(16)), handle: null, roll: null },
  };
}

describe('the offsets of a file in a checkpoint', () => {
  const told = (parts: OpenParts, change: PartChange, from: bigint, to: bigint): string[] => {
    const messages: string[] = [];
    parts.checkpointed(change, { from, to }, ({ message }) => messages.push(message));
    return messages;
  };

  it('may be any that the checkpoint has read', () => {
    const parts = openedAt(5n);
    expect(told(parts, holding(7n, 9n), 6n, 10n)).toEqual([]);
    // It goes on growing: it began before this checkpoint.
    expect(told(parts, holding(7n, 12n), 10n, 13n)).toEqual([]);
  });

  it('are none that a checkpoint before had counted, though the file was open then', () => {
    expect(told(openedAt(5n), holding(6n, 9n), 7n, 10n)).toEqual([
      'holds offset 6 since this checkpoint, and everything below 7 was counted before',
    ]);
  });

  it('are none that were counted when it was opened', () => {
    expect(told(openedAt(5n), holding(4n, 9n), 5n, 10n)).toEqual([
      'holds offset 4, and was opened when everything below 5 was in other files',
    ]);
  });
});
