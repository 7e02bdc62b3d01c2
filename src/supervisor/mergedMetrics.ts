/** The metrics of all processes as one text: each sample gets the number of its process. */
import type { ProcessView } from './supervisor.ts';

/** What the supervisor counts itself. */
const OWN = {
  tidemark_process_up: ['gauge', '1 for a process of the supervisor that runs, else 0.'],
  tidemark_process_restarts_total: ['counter', 'How often the supervisor has started a process again.'],
} as const;

export interface ProcessMetrics {
  readonly index: number;
  /** In the text format of Prometheus. Null: it gave none. */
  readonly text: string | null;
}

interface Family {
  /** Its lines of help and type. */
  readonly head: string[];
  readonly samples: string[];
}

export function mergedMetrics(
  job: string,
  processes: readonly ProcessView[],
  texts: readonly ProcessMetrics[],
): string {
  const families = new Map<string, Family>();
  for (const { index, text } of texts) if (text !== null) collect(families, index, text);
  const common = (index: number): string => `process="${index}",job="${job}"`;
  const own = (name: keyof typeof OWN, value: (view: ProcessView) => number): void => {
    const [type, help] = OWN[name];
    families.set(name, {
      head: [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`],
      samples: processes.map((view) => `${name}{${common(view.index)}} ${value(view)}`),
    });
  };
  own('tidemark_process_up', ({ pid }) => (pid === null ? 0 : 1));
  own('tidemark_process_restarts_total', ({ restarts }) => restarts);
  return `${[...families.values()].flatMap(({ head, samples }) => [...head, ...samples]).join('\n')}\n`;
}

function collect(families: Map<string, Family>, index: number, text: string): void {
  let family: Family | null = null;
  let isFirst = true;
  for (const line of text.split('\n')) {
    const [, keyword, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
    if (name !== undefined) {
      if (keyword === 'HELP') {
        isFirst = !families.has(name);
        family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
      }
      if (isFirst) family?.head.push(line);
    } else if (line !== '') family?.samples.push(line.replace('{', `{process="${index}",`));
  }
}
