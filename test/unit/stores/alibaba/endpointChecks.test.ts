import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../../../kernels/checks/check.ts';
import { endpointChecks } from '../../../../src/stores/alibaba/endpointChecks.ts';

async function findings(port: number, wallMs = Date.now, https = false): Promise<readonly Finding[]> {
  const address = { host: '127.0.0.1', port, https, pathStyle: true };
  const found: Finding[] = [];
  for (const { run } of endpointChecks('oss', { ossBucket: 'lake', address, wallMs }))
    found.push(await run(new AbortController().signal));
  return found;
}

async function server(date?: string): Promise<number> {
  const http = createServer((_request, response) => {
    response.sendDate = date === undefined;
    response.writeHead(403, date === undefined ? {} : { date }).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void http.close());
  return (http.address() as AddressInfo).port;
}

test('a server that answers, whatever it answers, and clocks that agree', async () => {
  const [endpoint, clock] = await findings(await server());
  expect(endpoint).toMatchObject({
    outcome: 'pass',
    found: expect.stringContaining('answers within') as string,
  });
  expect(clock?.outcome).toBe('pass');
});

test('clocks that differ: a minute is a warning, fifteen are a failure', async () => {
  const ahead = (ms: number) => () => Date.now() + ms;
  const port = await server();
  expect((await findings(port, ahead(120_000)))[1]).toMatchObject({
    outcome: 'warn',
    found: expect.stringMatching(/ahead$/) as string,
  });
  expect((await findings(port, ahead(-1_000_000)))[1]).toMatchObject({
    outcome: 'fail',
    found: expect.stringMatching(/behind$/) as string,
  });
});

test('a server that does not tell its time', async () => {
  expect((await findings(await server('')))[1]).toMatchObject({ outcome: 'pass' });
});

test('nobody there is not done; a server without TLS fails', async () => {
  expect((await findings(1))[0]).toMatchObject({
    outcome: 'notDone',
    found: expect.stringContaining('ECONNREFUSED') as string,
  });
  expect((await findings(await server(), Date.now, true))[0]).toMatchObject({ outcome: 'fail' });
});
