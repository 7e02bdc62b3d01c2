import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkoutDir } from '../../../../scripts/generators.ts';
import { METRICS, type Metric } from '../../../../src/http/metrics/table.ts';

const known: Readonly<Record<string, Metric | undefined>> = METRICS;
const textOf = (file: string): string => readFileSync(path.join(checkoutDir, file), 'utf8');

/** Metrics that a text names; the series of a histogram are its own. */
function namesIn(text: string): Set<string> {
  const names = text.match(/\b(?:tidemark|process)_[a-z_]+\b/g) ?? [];
  return new Set(
    names.map((name) => {
      const base = name.replace(/_(?:bucket|sum|count)$/, '');
      return known[base]?.type === 'histogram' ? base : name;
    }),
  );
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

describe('the table of metrics', () => {
  test('follows the conventions of names', () => {
    for (const [name, { type, labels }] of Object.entries(METRICS)) {
      expect(name, name).toMatch(/^(tidemark|process)_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(labels, name).not.toContain('job');
      expect(labels.includes('topic'), name).toBe(labels.includes('partition'));
      expect(labels.filter((label) => ['bucket', 'file', 'uri'].includes(label))).toEqual([]);
    }
  });

  test.each(['examples/alerts.yml', 'examples/grafana-dashboard.json'])('has all that %s names', (file) => {
    const named = namesIn(textOf(file));
    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !(name in METRICS))).toEqual([]);
  });
});

describe('the alert rules', () => {
  const { groups } = parse(textOf('examples/alerts.yml')) as { groups: { name: string; rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  test('each have a duration, a severity and a page that is there', () => {
    expect(rules.length).toBeGreaterThanOrEqual(8);
    const page = textOf('docs/errors.md');
    for (const { alert, expr, for: duration, labels, annotations } of rules) {
      expect(expr, alert).not.toBe('');
      expect(duration, alert).toMatch(/^\d+[mh]$/);
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).not.toBe('');
      const [, anchor = ''] = /\/docs\/errors\.md#(.+)$/.exec(annotations.runbook_url) ?? [];
      const isThere =
        page.includes(`<a id="${anchor}"></a>`) ||
        page.split('\n').some((line) => line.toLowerCase() === `### ${anchor}`);
      expect(isThere || anchor === '{{ $labels.code | toLower }}', `${alert}: #${anchor}`).toBe(true);
    }
  });

  test('are balanced: every bracket that opens closes', () => {
    for (const { alert, expr } of rules) {
      const opened = [...expr.matchAll(/[([{]/g)].length;
      expect([...expr.matchAll(/[)\]}]/g)].length, alert).toBe(opened);
    }
  });
});
