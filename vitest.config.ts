import { defineConfig } from 'vitest/config';
import { leftOut, TIER_VARIABLE } from './scripts/testTiers.ts';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  throw new Error(
    `the tests need Node 24, this is ${process.version}: run them as 'npm test' or 'npx vitest', ` +
      `which put the Node 24 of node_modules first on the PATH`,
  );
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...leftOut(process.env[TIER_VARIABLE], process.argv)],
    globalSetup: 'test/services/globalSetup.ts',
    // Only a test that hangs: a slow machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // Kafka and nats-server want some of the machine too.
    maxWorkers: 2,
  },
});
