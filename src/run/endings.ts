/** How a coordinator's part in the job may end badly: the errors and stops. */
import type { StopFacts } from '../../actors/facts.ts';
import { TidemarkError } from '../../journal/errors.ts';

/** A bounded run ends without the topic, and reports it as stopped. */
export function missingTopic(topic: string): StopFacts {
  const message =
    `Topic ${topic} does not exist. Create it, or take it out of the job; ` + 'Tidemark never creates one.';
  const nothing = { fromOffset: null, toOffset: null, files: [], truncation: null };
  return { code: 'SOURCE_TOPIC_MISSING', message, ...nothing };
}

/** The same for a pattern that matches no topic. */
export function unmatchedPattern(pattern: string): StopFacts {
  const message =
    `In source.kafka.topics, the expression ${pattern} matches no topic that exists. Create one, or ` +
    'correct the expression; Tidemark never creates one.';
  return { ...missingTopic(pattern), message };
}

export function notInTime(partition: string): TidemarkError {
  return new TidemarkError('STOP_INCOMPLETE', `${partition} did not end in time.`, { fields: { partition } });
}

/** Null if every partition's last checkpoint is journaled. */
export function incompleteError(incomplete: ReadonlyMap<string, TidemarkError>): TidemarkError | null {
  const partitions = [...incomplete.keys()].toSorted();
  const [first] = incomplete.values();
  if (first === undefined) return null;
  return new TidemarkError(
    'STOP_INCOMPLETE',
    `Stopped without a last checkpoint of ${partitions.join(', ')}: the journal, the source or the ` +
      'destination did not answer in time. Nothing is lost; the next run continues from the last completed ' +
      'checkpoint.',
    { fields: { partitions }, cause: first },
  );
}
