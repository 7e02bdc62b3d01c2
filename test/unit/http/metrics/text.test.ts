import { describe, expect, test } from 'vitest';
import { labelsText, MetricsText } from '../../../../src/http/metrics/text.ts';
import { Histogram } from '../../../../src/telemetry/histogram.ts';

describe('the text of metrics', () => {
  test('has help, type and samples, with escaped labels', () => {
    const text = new MetricsText({ job: 'clicks' });
    const samples = text.metric('tidemark_fetched_offset');
    samples.add(9_007_199_254_740_993n, labelsText({ topic: 'a"b\\c\nd', partition: 0 }));
    text.metric('tidemark_rebalances_total').add(3);
    expect(text.toString()).toBe(
      [
        '# HELP tidemark_fetched_offset Next offset to read.',
        '# TYPE tidemark_fetched_offset gauge',
        'tidemark_fetched_offset{job="clicks",topic="a\\"b\\\\c\\nd",partition="0"} 9007199254740993',
        '# HELP tidemark_rebalances_total Assignments that the source has made to this process.',
        '# TYPE tidemark_rebalances_total counter',
        'tidemark_rebalances_total{job="clicks"} 3',
        '',
      ].join('\n'),
    );
  });

  test('of a histogram counts up to each bound, and all', () => {
    const histogram = new Histogram([1, 10]);
    for (const value of [0.5, 1, 1.5, 11, 12]) histogram.observe(value);
    const text = new MetricsText({ job: 'j' });
    text.metric('tidemark_store_request_seconds').addHistogram(histogram, labelsText({ operation: 'write' }));
    expect(text.toString().split('\n').slice(2, -1)).toEqual([
      'tidemark_store_request_seconds_bucket{job="j",operation="write",le="1"} 2',
      'tidemark_store_request_seconds_bucket{job="j",operation="write",le="10"} 3',
      'tidemark_store_request_seconds_bucket{job="j",operation="write",le="+Inf"} 5',
      'tidemark_store_request_seconds_sum{job="j",operation="write"} 26',
      'tidemark_store_request_seconds_count{job="j",operation="write"} 5',
    ]);
  });

  test('writes what is no number as Prometheus does', () => {
    const text = new MetricsText({ job: 'j' });
    const samples = text.metric('tidemark_part_files');
    for (const value of [NaN, Infinity, -Infinity, 1e21]) samples.add(value);
    expect(text.toString().match(/\S+$/gm)).toEqual(expect.arrayContaining(['NaN', '+Inf', '-Inf', '1e+21']));
  });
});
