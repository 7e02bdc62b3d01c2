/**
 * The faults of a soak. Each fault ends by itself; what it leaves has to be got over by the
 * coordinators alone.
 */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '../../sim/random.ts';
import type { OwnServer } from '../services/servers.ts';
import type { TcpProxy } from '../services/tcpProxy.ts';
import type { Fleet } from './fleet.ts';
import { restoreOlderJournal, type JournalPlace, type Restoring } from './restore.ts';
import type { ServerSet } from './servers.ts';

export interface Battlefield {
  readonly fleet: Fleet;
  readonly coordinators: number;
  readonly kafka: ServerSet;
  readonly nats: ServerSet;
  readonly journal: JournalPlace;
  /** Null where the sink is on a disk that must not be filled. */
  readonly smallDisk: string | null;
  readonly random: SeededRandom;
}

export interface FaultKind {
  readonly name: string;
  /** How often it is drawn beside others. */
  readonly weight: number;
  inject(field: Battlefield): Promise<void>;
}

const place = ({ random, coordinators }: Battlefield): number => random.below(coordinators);
/** The last coordinator is never killed alone, so that one lives for long enough to show what it gathers. */
const mortal = ({ random, coordinators }: Battlefield): number => random.below(Math.max(1, coordinators - 1));
const between = (random: SeededRandom, fromMs: number, toMs: number): number =>
  fromMs + random.below(toMs - fromMs);

async function frozen(field: Battlefield, forMs: number, meanwhile?: () => Promise<void>): Promise<void> {
  const thaw = field.fleet.freeze(place(field));
  try {
    await Promise.all([delay(forMs), meanwhile?.()]);
  } finally {
    thaw();
  }
}

async function paused(server: OwnServer, forMs: number): Promise<void> {
  await server.pause();
  try {
    await delay(forMs);
  } finally {
    server.resume();
  }
}

async function killedFor(servers: ServerSet, forMs: number): Promise<void> {
  const { server } = servers.next();
  await server.kill('SIGKILL');
  await delay(forMs);
  await server.restart();
  await servers.settled();
}

async function cutOften(servers: ServerSet, random: SeededRandom): Promise<void> {
  for (let times = 1 + random.below(5); times > 0; times -= 1) {
    for (const { proxy } of servers.nodes) proxy.cut();
    await delay(random.below(400));
  }
}

async function swallowed(proxy: TcpProxy, forMs: number): Promise<void> {
  proxy.silence();
  try {
    await delay(forMs);
  } finally {
    proxy.pass();
  }
}

function restored({ fleet, journal, random }: Battlefield, answer: Restoring['answer']): Promise<void> {
  const signal = random.pick(['SIGTERM', 'SIGKILL'] as const);
  return restoreOlderJournal(fleet, journal, { signal, answer, olderByMs: between(random, 1_000, 10_000) });
}

const BALLAST_PIECE_BYTES = 1024 * 1024;

async function fullDisk({ smallDisk }: Battlefield, forMs: number): Promise<void> {
  if (smallDisk === null) return;
  const ballast = path.join(smallDisk, 'ballast');
  const endMs = performance.now() + forMs;
  try {
    while (performance.now() < endMs) {
      fill(smallDisk, ballast);
      await delay(50);
    }
  } finally {
    rmSync(ballast, { force: true });
  }
}

/** Takes whatever is free, the last bytes too. */
function fill(disk: string, ballast: string): void {
  for (let bytes = BALLAST_PIECE_BYTES; bytes >= 1024; bytes /= 2) {
    try {
      while (statfsSync(disk).bavail > 0) writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }
}

/** Longer than the session that Kafka grants a member. */
const BEYOND_SESSION_MS = 35_000;

export const FAULT_KINDS: readonly FaultKind[] = [
  { name: 'coordinator-kill', weight: 4, inject: (field) => field.fleet.replace(mortal(field), 'SIGKILL') },
  {
    name: 'coordinator-restart',
    weight: 2,
    inject: (field) => field.fleet.replace(mortal(field), 'SIGTERM'),
  },
  {
    name: 'coordinator-pause',
    weight: 2,
    inject: (field) => frozen(field, between(field.random, 500, 8_000)),
  },
  { name: 'coordinator-zombie', weight: 1, inject: (field) => frozen(field, BEYOND_SESSION_MS) },
  {
    name: 'coordinator-pause-nats-kill',
    weight: 1,
    inject: (field) => frozen(field, 6_000, () => killedFor(field.nats, 1_000)),
  },
  { name: 'nats-kill', weight: 2, inject: ({ nats, random }) => killedFor(nats, between(random, 0, 4_000)) },
  {
    name: 'nats-pause',
    weight: 1,
    inject: ({ nats, random }) => paused(nats.next().server, between(random, 1_000, 10_000)),
  },
  { name: 'nats-cut', weight: 2, inject: ({ nats, random }) => cutOften(nats, random) },
  {
    name: 'nats-swallow',
    weight: 1,
    inject: ({ nats, random }) => swallowed(nats.next().proxy, between(random, 1_000, 15_000)),
  },
  {
    name: 'kafka-kill',
    weight: 1,
    inject: ({ kafka, random }) => killedFor(kafka, between(random, 0, 4_000)),
  },
  {
    name: 'kafka-pause',
    weight: 1,
    inject: ({ kafka, random }) => paused(kafka.next().server, between(random, 1_000, 10_000)),
  },
  { name: 'kafka-cut', weight: 2, inject: ({ kafka, random }) => cutOften(kafka, random) },
  {
    name: 'kafka-swallow',
    weight: 1,
    inject: ({ kafka, random }) => swallowed(kafka.next().proxy, between(random, 1_000, 15_000)),
  },
  { name: 'journal-restore-reread', weight: 1, inject: (field) => restored(field, '--from-journal') },
  { name: 'journal-restore-give-up', weight: 1, inject: (field) => restored(field, '--from-witness') },
  { name: 'disk-full', weight: 2, inject: (field) => fullDisk(field, between(field.random, 1_000, 10_000)) },
];

export function drawFault(random: SeededRandom, kinds: readonly FaultKind[]): FaultKind {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  let at = random.below(total);
  for (const kind of kinds) {
    at -= kind.weight;
    if (at < 0) return kind;
  }
  throw new Error('no kind of fault to draw');
}
