/** TLS and SASL of a Kafka source, as its connections need them. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { pemFilesOf, type PemFiles } from '../../../kernels/checks/tls.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { Clock } from '../../system/clock.ts';
import { oauthBearer } from './client/oauthBearer.ts';
import type { SASLOptions } from './client/types.ts';
import type { KafkaSourceConfig, KafkaTls } from './config.ts';
import { reasonOf } from './errors.ts';
import type { KafkaSourceOptions, SourceLog } from './options.ts';
import type { GivenToken } from './token/endpoint.ts';
import { Tokens } from './token/tokens.ts';

interface Ports {
  readonly clock: Clock;
  readonly log: SourceLog;
}

/** Throws CONFIG_INVALID for a file of TLS with which no connection is possible. */
export function kafkaSecurity(
  { tls, sasl }: Pick<KafkaSourceConfig, 'tls' | 'sasl'>,
  ports: Ports,
): Pick<KafkaSourceOptions, 'ssl' | 'sasl'> {
  return {
    ...(tls === null ? {} : { ssl: tlsReader(tls, ports) }),
    ...(sasl === null ? {} : { sasl: mechanismOf(sasl, ports) }),
  };
}

function mechanismOf(
  sasl: NonNullable<KafkaSourceConfig['sasl']>,
  { clock, log }: Ports,
): NonNullable<KafkaSourceOptions['sasl']> {
  if (sasl.mechanism !== 'oauthbearer') {
    const { mechanism, username, password } = sasl;
    return { mechanism, username, password: password.reveal() } as SASLOptions;
  }
  const { endpoint, extensions } = sasl;
  const ask = async (): Promise<GivenToken> => {
    const { askForToken } = await import('./token/endpoint.ts');
    return askForToken(endpoint, clock.wallMs());
  };
  const tokens = new Tokens({ ask, clock, log });
  return oauthBearer({ token: () => tokens.token(), extensions });
}

/**
 * The options of the next connection. The files are read each time: certificates are replaced while a service
 * runs. While they are unusable, as in the middle of a replacement, the last ones that were not are used.
 */
function tlsReader(tls: KafkaTls, { clock, log }: Ports): () => ConnectionOptions {
  const { rejectUnauthorized } = tls;
  let last = readPem(tls, clock);
  let told = '';
  return () => {
    try {
      last = readPem(tls, clock);
      told = '';
    } catch (error) {
      const reason = reasonOf(error);
      if (told !== reason) log.warn({}, `${reason} The last ones that could be used are used.`);
      told = reason;
    }
    const { ca, cert, key } = last;
    return {
      rejectUnauthorized,
      ...(ca === null ? {} : { ca }),
      ...(cert === null ? {} : { cert }),
      ...(key === null ? {} : { key }),
    };
  };
}

/** Throws CONFIG_INVALID. */
function readPem({ caFile, certFile, keyFile }: KafkaTls, clock: Clock): PemFiles {
  const paths = { ca: caFile, cert: certFile, key: keyFile };
  const ports = { read: (path: string) => readFileSync(path), wallMs: clock.wallMs() };
  const verdict = pemFilesOf('source.kafka.ssl', paths, ports);
  if (verdict.type === 'usable') return verdict.files;
  const { message, path } = verdict;
  throw new TidemarkError('CONFIG_INVALID', message, { fields: { path } });
}
