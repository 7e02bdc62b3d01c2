import { describe, inject, test } from 'vitest';
import './provided.ts';

export type RunningServices = {
  /** `host:port` of the shared Kafka's brokers. */
  readonly brokers: string[];
  /** `nats://host:port` of the shared nats-server. */
  readonly natsUrl: string;
};

export type IntegrationOptions = {
  /** The tests start servers of their own (test/services/servers.ts). */
  readonly ownServers?: boolean;
  /** For each test; 120 s unless named. */
  readonly timeoutMs?: number;
};

/**
 * A `describe` for tests that need a real Kafka and a real nats-server. Where none can be had its tests are
 * skipped and say why; with CI=true that is a failure. The global setup looks for this very name in the test
 * files to learn whether the run needs services: call it in the test file itself.
 */
export function describeIntegration(name: string, body: () => void, options: IntegrationOptions = {}): void {
  const reason = whyNot(options.ownServers ?? false);
  if (reason === undefined) {
    describe(name, { timeout: options.timeoutMs ?? 120_000 }, body);
    return;
  }
  describe.skip(`${name} (skipped: ${reason})`, body);
  if (process.env['CI'] === 'true') {
    test(`${name}: its services are there`, () => {
      throw new Error(`with CI=true the integration tests must run, but: ${reason}`);
    });
  }
}

function whyNot(ownServers: boolean): string | undefined {
  const provided = inject('services');
  switch (provided.type) {
    case 'running':
      return ownServers ? (provided.noOwnServers ?? undefined) : undefined;
    case 'unavailable':
      return provided.reason;
    case 'unused':
      return 'the global setup did not find describeIntegration in the test file';
  }
}

/** The shared services. Only inside `describeIntegration`. */
export function services(): RunningServices {
  const provided = inject('services');
  switch (provided.type) {
    case 'running':
      return {
        brokers: provided.kafkaBrokers.split(',').map((broker) => broker.trim()),
        natsUrl: provided.natsUrl,
      };
    case 'unavailable':
      // The body of a skipped describe still runs, to collect its tests. Nothing ever answers there.
      return { brokers: ['unavailable.invalid:9092'], natsUrl: 'nats://unavailable.invalid:4222' };
    case 'unused':
      throw new Error('services() is for tests inside describeIntegration, called in the test file itself');
  }
}
