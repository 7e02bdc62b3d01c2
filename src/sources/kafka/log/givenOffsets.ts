/** Start offsets that the job file gives, compared with what the log holds. Pure. */
import { SourceFailure } from '../../failure.ts';
import type { OffsetRange, StartFrom } from '../../port.ts';

type Given = Extract<StartFrom, { readonly type: 'offsets' }>;

/**
 * The topic's start offsets, by partition number. Throws SOURCE_START_INVALID, which names each partition
 * that has no offset (unless `unlisted` says where those begin), each offset outside of its log, and each
 * partition that does not exist.
 */
export function givenOffsets(
  topic: string,
  { offsets, unlisted }: Omit<Given, 'type'>,
  ranges: readonly OffsetRange[],
): bigint[] {
  // A topic may be named like a member that every object has.
  const given = new Map(Object.entries(Object.hasOwn(offsets, topic) ? (offsets[topic] ?? {}) : {}));
  const problems: string[] = [];
  const found = ranges.map(({ startOffset, endOffset }, partition) => {
    const offset = given.get(String(partition));
    const held = `its log holds ${startOffset} up to ${endOffset} (the next one)`;
    if (offset === undefined && unlisted === undefined)
      problems.push(`${topic}/${partition} has no offset; ${held}`);
    else if (offset !== undefined && (offset < startOffset || offset > endOffset))
      problems.push(`${topic}/${partition} is to begin at ${offset}, but ${held}`);
    return offset ?? startOffset;
  });
  for (const [partition, offset] of given)
    if (Number(partition) >= ranges.length)
      problems.push(
        `${topic}/${partition} is to begin at ${offset}, but the topic has ${ranges.length} partitions`,
      );
  if (problems.length === 0) return found;
  throw new SourceFailure(
    'startInvalid',
    `The offsets of source.kafka.startFrom do not fit topic ${topic}: ${problems.join('; ')}. Nothing of ` +
      'it was read; correct the job file and start again.',
    { fields: { topic } },
  );
}
