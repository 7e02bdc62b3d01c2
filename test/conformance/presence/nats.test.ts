import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import type { PresenceBoard } from '../../../journal/presence.ts';
import { openNatsPresence } from '../../../journal/jetstream/presence.ts';
import { describeIntegration, services } from '../../services/integration.ts';
import { presenceConformance } from './suite.ts';

describeIntegration('on NATS', () => {
  presenceConformance(async () => {
    const opened: PresenceBoard[] = [];
    const stream = `PRESENT${randomBytes(4).toString('hex')}`;
    return {
      coordinators: 'many',
      open: async () => {
        const servers = [services().natsUrl];
        const board = openNatsPresence({ servers, stream, replicas: 1, onWarning: () => undefined });
        opened.push(board);
        return board;
      },
      [Symbol.asyncDispose]: async () => {
        for (const board of opened) await board.close();
      },
    };
  });

  test('a server that is not there is not waited for long, and asked anew by the next call', async () => {
    const servers = ['127.0.0.1:1'];
    const board = openNatsPresence({ servers, stream: 'NOWHERE', replicas: 1, onWarning: () => undefined });
    const key = { job: jobName('clicks'), coordinatorId: 'a'.repeat(32) };
    await expect(board.keep(key, new Uint8Array(3))).rejects.toThrow();
    await expect(board.read(key.job)).rejects.toThrow();
    await board.close();
  }, 30_000);
});
