import { createServer, type Server } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { hasMoved, listen } from '../../../src/http/listening.ts';

function server(): Server {
  const made = createServer();
  onTestFinished(() => void made.close());
  return made;
}

const usual = { host: '127.0.0.1', port: null, token: null };

test('without a port the next free one is taken, and it is known that it moved', async () => {
  const [first, second] = [await listen(server(), usual), await listen(server(), usual)];
  expect(second).toBeGreaterThan(first ?? Infinity);
  expect(hasMoved(usual, second ?? 0)).toBe(true);
});

test('a port that is named must be free', async () => {
  const port = await listen(server(), { ...usual, port: 0 });
  await expect(listen(server(), { ...usual, port })).rejects.toMatchObject({ code: 'HTTP_PORT_TAKEN' });
});

test('an address that is not of this machine is told', async () => {
  const elsewhere = listen(server(), { ...usual, host: '192.0.2.1', port: 0 });
  await expect(elsewhere).rejects.toMatchObject({ code: 'HTTP_UNAVAILABLE' });
});
