/** The text format of Prometheus, version 0.0.4. */
import type { Histogram } from '../../telemetry/histogram.ts';
import { METRICS, type MetricName } from './table.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | number>>;

/** Labels as text, so that those of a partition are made once per scrape. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapedLabel(String(value))}"`)
    .join(',');
}

export class MetricsText {
  readonly #lines: string[] = [];
  /** Of every sample. */
  readonly #common: string;

  constructor(common: Labels) {
    this.#common = labelsText(common);
  }

  /** Begins a metric; the samples that follow are its own. */
  metric(name: MetricName): Samples {
    const { type, help } = METRICS[name];
    this.#lines.push(`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`);
    const add = (suffix: string, labels: string, value: string): void => {
      const all = labels === '' ? this.#common : `${this.#common},${labels}`;
      this.#lines.push(`${name}${suffix}{${all}} ${value}`);
    };
    return new Samples(add);
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

export class Samples {
  readonly #add: (suffix: string, labels: string, value: string) => void;

  constructor(add: (suffix: string, labels: string, value: string) => void) {
    this.#add = add;
  }

  /** @param labels made by `labelsText`. */
  add(value: number | bigint, labels = ''): void {
    this.#add('', labels, numberText(value));
  }

  addHistogram(histogram: Histogram, labels = ''): void {
    const cumulative = histogram.cumulative();
    const before = labels === '' ? '' : `${labels},`;
    cumulative.forEach((count, index) => {
      const bound = histogram.bounds[index];
      this.#add('_bucket', `${before}le="${bound === undefined ? '+Inf' : bound}"`, String(count));
    });
    this.#add('_sum', labels, numberText(histogram.sum));
    this.#add('_count', labels, String(histogram.count));
  }
}

function numberText(value: number | bigint): string {
  if (typeof value === 'bigint' || Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function escapedLabel(text: string): string {
  return /[\\"\n]/.test(text)
    ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : text;
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
