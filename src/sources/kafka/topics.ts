/** The entries of `source.kafka.topics`: names of topics, and patterns for names. Pure. */

/** The longest name of a topic that Kafka allows. */
const NAME_MAX = 249;

export interface TopicPattern {
  /** As in the job file, with its slashes. */
  readonly text: string;
  readonly matches: (topic: string) => boolean;
}

export interface JobTopics {
  readonly names: readonly string[];
  readonly patterns: readonly TopicPattern[];
  /** Whether the job reads a topic of this name. */
  readonly isOfJob: (topic: string) => boolean;
}

/** Without what is no expression. */
export function topicsOf(entries: readonly string[]): JobTopics {
  const names = entries.filter((entry) => !isPattern(entry));
  const patterns = entries.filter(isPattern).flatMap((entry) => {
    const parsed = parsePattern(entry);
    return parsed.type === 'pattern' ? [parsed.pattern] : [];
  });
  const isOfJob = (topic: string): boolean =>
    names.includes(topic) || patterns.some((pattern) => pattern.matches(topic));
  return { names, patterns, isOfJob };
}

/** A name cannot begin with a slash. */
export const isPattern = (entry: string): boolean => entry.startsWith('/');

export type ParsedPattern =
  | { readonly type: 'pattern'; readonly pattern: TopicPattern }
  | { readonly type: 'invalid'; readonly reason: string };

/** What is between the slashes matches whole names. Those that begin with `__` are Kafka's own. */
export function parsePattern(entry: string): ParsedPattern {
  if (entry.length < 3 || !entry.endsWith('/'))
    return { type: 'invalid', reason: `"${entry}" is no expression between two slashes` };
  const source = entry.slice(1, -1);
  if (isOfInternalTopics(source))
    return {
      type: 'invalid',
      reason:
        `"${entry}" can match no topic: those whose names begin with "__" are Kafka's own and ` +
        `never read`,
    };
  try {
    // By itself first: "a)(b" is one only between the brackets that are put around it.
    new RegExp(source);
    const expression = new RegExp(`^(?:${source})$`);
    const matches = (topic: string): boolean => !topic.startsWith('__') && expression.test(topic);
    return { type: 'pattern', pattern: { text: entry, matches } };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { type: 'invalid', reason: `"${entry}" is no regular expression (${error.message})` };
  }
}

/**
 * Whether each name that it matches begins with `__`: it does itself, and no alternative may begin otherwise.
 */
function isOfInternalTopics(source: string): boolean {
  if (!/^__(?![?*{])/.test(source)) return false;
  let outside = source.replaceAll(/\\./g, '').replaceAll(/\[[^\]]*\]/g, '');
  for (let before = ''; before !== outside;) {
    before = outside;
    outside = outside.replaceAll(/\([^()]*\)/g, '');
  }
  return !outside.includes('|');
}

/** Null for a name that a topic may have. */
export function topicNameProblem(name: string): string | null {
  const isLegal = /^[A-Za-z0-9._-]+$/.test(name) && name.length <= NAME_MAX && name !== '.' && name !== '..';
  return isLegal ? null : `"${name}" is no topic name`;
}
