/** Counts each file's lines, for `status`. */
import { isSourceFailure } from '../failure.ts';
import type { OffsetRange, Source } from '../port.ts';
import type { SourceSurveyor, TopicSurvey } from '../survey.ts';

export function createFileSurveyor(source: Source): SourceSurveyor {
  /** Empty if the file cannot be read: its lines are unknown, and the other files are still surveyed. */
  const rangesOf = async (topic: string): Promise<readonly OffsetRange[]> => {
    try {
      return await source.ranges(topic);
    } catch (error) {
      if (!isSourceFailure(error, 'unreadable')) throw error;
      return [];
    }
  };
  const surveyTopic = async (topic: string): Promise<TopicSurvey> => {
    const ranges = await rangesOf(topic);
    return {
      topic,
      partitions: ranges.map(({ startOffset, endOffset }) => ({
        startOffset,
        endOffset,
        highWatermark: endOffset,
        group: null,
      })),
    };
  };
  return {
    survey: async (others) => {
      const { topics } = await source.describe({
        wait: false,
        onWaiting: () => undefined,
        signal: new AbortController().signal,
      });
      const found = topics.map(({ topic }) => topic);
      const gone = others.filter((topic) => !found.includes(topic));
      return [
        ...(await Promise.all(found.map(surveyTopic))),
        ...gone.map((topic) => ({ topic, partitions: null })),
      ];
    },
    close: () => source.stop(),
  };
}
