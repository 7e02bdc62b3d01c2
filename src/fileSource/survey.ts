/** A look at the files for `status`: how many lines each has. */
import type { Source } from '../source/port.ts';
import type { SourceSurveyor, TopicSurvey } from '../source/survey.ts';

export function createFileSurveyor(source: Source): SourceSurveyor {
  const surveyTopic = async (topic: string): Promise<TopicSurvey> => {
    const ranges = await source.ranges(topic);
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
