import { expect, test } from 'vitest';
import { mergedMetrics } from '../../../src/supervisor/mergedMetrics.ts';

const OF_ONE = `# HELP tidemark_claims_total Claims of this process.
# TYPE tidemark_claims_total counter
tidemark_claims_total{job="clicks",topic="a{b",partition="0"} 2
# HELP process_open_fds Open file descriptors.
# TYPE process_open_fds gauge
process_open_fds{job="clicks"} 40
`;

test('each sample has its process, each metric its help once, and what does not run is told', () => {
  const views = [0, 1, 2].map((index) => ({
    ...{ index, pid: index === 2 ? null : 100 + index, port: 1, restarts: index },
  }));
  const texts = [
    { index: 0, text: OF_ONE },
    { index: 1, text: OF_ONE.replaceAll('partition="0"} 2', 'partition="1"} 5') },
    { index: 2, text: null },
  ];
  expect(mergedMetrics('clicks', views, texts)).toBe(`# HELP tidemark_claims_total Claims of this process.
# TYPE tidemark_claims_total counter
tidemark_claims_total{process="0",job="clicks",topic="a{b",partition="0"} 2
tidemark_claims_total{process="1",job="clicks",topic="a{b",partition="1"} 5
# HELP process_open_fds Open file descriptors.
# TYPE process_open_fds gauge
process_open_fds{process="0",job="clicks"} 40
process_open_fds{process="1",job="clicks"} 40
# HELP tidemark_process_up 1 for a process of the supervisor that runs, else 0.
# TYPE tidemark_process_up gauge
tidemark_process_up{process="0",job="clicks"} 1
tidemark_process_up{process="1",job="clicks"} 1
tidemark_process_up{process="2",job="clicks"} 0
# HELP tidemark_process_restarts_total How often the supervisor has started a process again.
# TYPE tidemark_process_restarts_total counter
tidemark_process_restarts_total{process="0",job="clicks"} 0
tidemark_process_restarts_total{process="1",job="clicks"} 1
tidemark_process_restarts_total{process="2",job="clicks"} 2
`);
});
