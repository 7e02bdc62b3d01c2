/** Checks of a server of OSS or OSS-HDFS that need no key: that it answers, and what time it has. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { check, fail, notDone, pass, warn, type Check, type Finding } from '../../../kernels/checks/check.ts';
import { durationText } from '../../../kernels/checks/sizes.ts';
import { ossAddressText, type OssAddress } from './path.ts';

const ANSWER_MS = 5_000;
/** The service refuses a signature whose time differs by more. */
const SKEW_MS_MAX = 15 * 60_000;
const SKEW_MS_WANTED = 60_000;

export interface CheckedEndpoint {
  readonly ossBucket: string;
  readonly address: OssAddress;
  /** Wall clock in milliseconds. */
  readonly wallMs: () => number;
}

interface Told {
  readonly tookMs: number;
  /** How far this machine's clock is ahead of the server's. Null if the server does not tell. */
  readonly aheadMs: number | null;
}

/** @param kind beginning of the ids of the checks. */
export function endpointChecks(kind: 'oss' | 'oss-hdfs', endpoint: CheckedEndpoint): readonly Check[] {
  let told: Told | null = null;
  return [
    check(`${kind}-endpoint`, [], async (signal) => {
      const where = ossAddressText(endpoint.address);
      try {
        told = await ask(endpoint, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        return noAnswer(where, error);
      }
      return pass(`${where} answers within ${durationText(told.tookMs)}`);
    }),
    check(`${kind}-clock`, [`${kind}-endpoint`], async () => clockFinding(told?.aheadMs ?? null)),
  ];
}

function noAnswer(where: string, error: unknown): Finding {
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code) || code === 'EPROTO')
    return fail(
      `${where}: TLS failed (${reason})`,
      'Correct sink.endpoint (http or https), or the certificate.',
    );
  return notDone(
    `${where} does not answer (${reason})`,
    'Correct sink.path or sink.endpoint. The endpoints of OSS-HDFS are reached from a VPC of their region ' +
      'only.',
  );
}

function clockFinding(aheadMs: number | null): Finding {
  if (aheadMs === null) return pass('the server does not tell its time');
  const skewMs = Math.abs(aheadMs);
  const found = `the clock of this machine is ${durationText(skewMs)} ${aheadMs < 0 ? 'behind' : 'ahead'}`;
  const mend = 'Let NTP set the clock of this machine: signatures with a wrong time are refused.';
  if (skewMs >= SKEW_MS_MAX) return fail(found, mend);
  return skewMs >= SKEW_MS_WANTED ? warn(found, mend) : pass('the clocks differ by less than a minute');
}

function ask({ ossBucket, address, wallMs }: CheckedEndpoint, signal: AbortSignal): Promise<Told> {
  const { host, port, https, pathStyle } = address;
  const send = https ? requestHttps : requestHttp;
  const startMs = wallMs();
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const call = send(
    {
      method: 'HEAD',
      host: pathStyle || isIP(host) !== 0 ? host : `${ossBucket}.${host}`,
      ...(port === null ? {} : { port }),
      path: pathStyle ? `/${ossBucket}/` : '/',
      timeout: ANSWER_MS,
      agent: false,
      signal,
    },
    (response) => {
      response.resume();
      const endMs = wallMs();
      const serverMs = Date.parse(response.headers.date ?? '');
      // The header has whole seconds.
      const aheadMs = Number.isNaN(serverMs) ? null : (startMs + endMs) / 2 - serverMs - 500;
      resolve({ tookMs: endMs - startMs, aheadMs });
    },
  );
  call.on('timeout', () => call.destroy(new Error(`no answer within ${durationText(ANSWER_MS)}`)));
  call.on('error', reject);
  call.end();
  return promise;
}
