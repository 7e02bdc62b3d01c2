/** Whether the brokers are there, at the addresses that they announce, and new enough. */
import { fail, notDone, pass, someOf, warn, type Finding } from '../../../../kernels/checks/check.ts';
import { counted } from '../../../../kernels/checks/sizes.ts';
import type { Brokers } from '../brokers.ts';
import { API_KEYS } from '../client/client.ts';
import { isAuthenticationFailure } from '../client/errors.ts';
import { authenticationError, reasonOf, securityHint } from '../errors.ts';
import { EPOCH_END_VERSION } from '../wire/epochEnd.ts';
import { FETCH_VERSION } from '../wire/fetch.ts';
import { METADATA_VERSION, type ClusterMetadata } from '../wire/metadata.ts';
import { CONFIGS_VERSION } from '../wire/topicConfig.ts';

export interface SeedAnswer {
  /** As in the job file. */
  readonly address: string;
  readonly answer: ClusterMetadata | { readonly error: unknown };
}

export function seedsFinding(seeds: readonly SeedAnswer[]): Finding {
  const errors = seeds.flatMap(({ address, answer }) =>
    'error' in answer ? [{ address, error: answer.error }] : [],
  );
  const clusters = seeds.flatMap(({ address, answer }) =>
    'error' in answer ? [] : [{ address, cluster: answer }],
  );
  const refused = errors.find(({ error }) => isAuthenticationFailure(error));
  if (refused !== undefined) {
    const { message } = authenticationError(refused.error, [refused.address]);
    return fail(message, 'Correct source.kafka.sasl and source.kafka.ssl, or the user at the brokers.');
  }
  const ids = new Set(clusters.map(({ cluster }) => cluster.clusterId));
  const [first] = clusters;
  const told = errors.map(({ address, error }) => `${address} (${reasonOf(error)})`);
  if (first === undefined)
    return notDone(
      `no broker answers: ${told.join('; ')}`,
      `Correct source.kafka.brokers, or start them.${securityHint(errors[0]?.error)}`,
    );
  if (ids.size > 1)
    return fail(
      `the brokers are of ${ids.size} clusters: ${[...ids].map(String).join(', ')}`,
      'Name brokers of one cluster in source.kafka.brokers.',
    );
  const { clusterId, brokers } = first.cluster;
  const found = `cluster ${clusterId ?? 'without an id'} of ${counted(brokers.length, 'broker')}`;
  return errors.length === 0
    ? pass(`${found}; all ${seeds.length} addresses of the job file answer`)
    : warn(
        `${found}; ${someOf(told)} does not answer`,
        'Correct source.kafka.brokers, or start these brokers.',
      );
}

/** Each broker names the address at which all others are to reach it. */
export async function listenersFinding(
  brokers: Pick<Brokers, 'at'>,
  { brokers: nodes }: ClusterMetadata,
): Promise<Finding> {
  const outcomes = await Promise.all(
    nodes.map(async ({ nodeId, host, port }) => {
      try {
        await brokers.at(nodeId, async () => Promise.resolve());
        return null;
      } catch (error) {
        return `broker ${nodeId} at ${host}:${port} (${reasonOf(error)})`;
      }
    }),
  );
  const away = outcomes.filter((outcome) => outcome !== null);
  const all = nodes.map(({ host, port }) => `${host}:${port}`);
  return away.length === 0
    ? pass(`each broker answers where it announces to be: ${someOf(all)}`)
    : fail(
        `announced, and not reached from here: ${away.join('; ')}`,
        'Set advertised.listeners of the broker to an address that this machine reaches, or let the name ' +
          'resolve here.',
      );
}

const WANTED: readonly (readonly [api: string, key: number, version: number])[] = [
  ['Metadata', API_KEYS.metadata, METADATA_VERSION],
  ['Fetch', API_KEYS.fetch, FETCH_VERSION],
  ['OffsetForLeaderEpoch', API_KEYS.offsetForLeaderEpoch, EPOCH_END_VERSION],
  ['DescribeConfigs', API_KEYS.describeConfigs, CONFIGS_VERSION],
];

export type ApiVersions = Readonly<Record<number, { minVersion: number; maxVersion: number }>>;

/** @param versions of each broker that answered, by its node id. */
export function versionsFinding(versions: ReadonlyMap<number, ApiVersions>): Finding {
  const missing = [...versions].flatMap(([nodeId, known]) =>
    WANTED.filter(([, key, version]) => {
      const range = known[key];
      return range === undefined || version < range.minVersion || version > range.maxVersion;
    }).map(([api, , version]) => `broker ${nodeId} has no ${api} of version ${version}`),
  );
  return missing.length === 0
    ? pass('the brokers speak the versions of the protocol that Tidemark sends')
    : fail(someOf(missing), 'Use brokers of Kafka 2.8 or newer.');
}
