import { expect, test } from 'vitest';
import { Metrics } from '../../src/serve/metrics.ts';

test('counters, gauges and histograms read as Prometheus reads them', () => {
  const metrics = new Metrics();
  const requests = metrics.counter('requests_total', 'Requests.');
  const seconds = metrics.histogram('seconds', 'Seconds.', [0.1, 1]);
  let waiting = 3;
  metrics.gauge('waiting', 'Waiting.', () => waiting);
  requests.add({ route: '/a', status: 200 });
  requests.add({ route: '/a', status: 200 });
  requests.add({ route: 'with "quotes"', status: 400 });
  for (const value of [0.1, 0.25, 0.5, 2]) seconds.observe({ route: '/a' }, value);
  waiting = 4;
  expect(metrics.text.split('\n')).toEqual([
    '# HELP requests_total Requests.',
    '# TYPE requests_total counter',
    'requests_total{route="/a",status="200"} 2',
    'requests_total{route="with \\"quotes\\"",status="400"} 1',
    '# HELP seconds Seconds.',
    '# TYPE seconds histogram',
    'seconds_bucket{route="/a",le="0.1"} 1',
    'seconds_bucket{route="/a",le="1"} 3',
    'seconds_bucket{route="/a",le="+Inf"} 4',
    'seconds_sum{route="/a"} 2.85',
    'seconds_count{route="/a"} 4',
    '# HELP waiting Waiting.',
    '# TYPE waiting gauge',
    'waiting 4',
    '',
  ]);
});
