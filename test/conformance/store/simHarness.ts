/**
 * A store of the deterministic world, in a world of its own whose time continues as long as a test waits for
 * something.
 */
import { SimProcess } from '../../../sim/process.ts';
import { SeededRandom } from '../../../sim/random.ts';
import { Scheduler } from '../../../sim/scheduler.ts';
import type { StoreFault } from '../../../sim/schedule.ts';
import type { SimStoreOptions, SimStoreServer } from '../../../sim/simStores/port.ts';
import type { Failpoint } from '../../../src/system/failpoints.ts';
import type { StoreHarness } from './scene.ts';

const SINK_URI = 'sim://lake';
const TASKS_MAX = 1_000_000;

/** The next calls of these points meet these faults, each once, in order. */
export type PlannedFaults = Partial<Record<Failpoint, (StoreFault | null)[]>>;

export interface SimHarness extends StoreHarness {
  readonly server: SimStoreServer;
  /** Faults to come; a test fills it. */
  readonly faults: PlannedFaults;
  newProcess(): SimProcess;
  /** Lets so much virtual time pass, with all that happens in it. */
  pass(forMs: number): Promise<void>;
}

export function simHarness(makeServer: (options: SimStoreOptions) => SimStoreServer, seed = 1): SimHarness {
  const scheduler = new Scheduler(new SeededRandom(seed));
  const faults: PlannedFaults = {};
  let processes = 0;
  let isOver = false;
  const server: SimStoreServer = makeServer({
    scheduler,
    faults: { atStore: (_process, point) => faults[point]?.shift() ?? null },
    timeoutMs: 100,
    powerCut: () => server.powerCut(),
    asleep: () => undefined,
    visible: () => undefined,
  });
  const newProcess = (): SimProcess => {
    processes += 1;
    return new SimProcess({
      name: { place: processes, life: 0 },
      scheduler,
      watcher: { atFailpoint: () => ({ type: 'go' }), died: () => undefined },
      wallStartMs: 0,
      latencyMsMax: 3,
      seed: seed + processes,
    });
  };
  const live = async (): Promise<void> => {
    while (!isOver)
      await scheduler.run(() => isOver, { tasksMax: TASKS_MAX, untilMs: Number.MAX_SAFE_INTEGER });
  };
  void live();
  return {
    sinkUri: SINK_URI,
    server,
    faults,
    newProcess,
    newStore: () => server.connect(newProcess()),
    pass: (forMs) =>
      new Promise((resolve) => {
        scheduler.after(forMs, null, resolve);
      }),
    readers: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return new Map([...server.committed()].map(([uri, bytes]) => [uri.slice(SINK_URI.length + 1), bytes]));
    },
    leftovers: async () => [...server.leftovers()],
    put: async (uri, bytes) => server.put(uri, bytes),
    remove: async (uri) => server.remove(uri),
    ...(server.backUp === undefined
      ? {}
      : {
          backUp: async () => {
            server.backUp?.();
            return async () => server.deleteBackups?.();
          },
        }),
    dispose: async () => {
      isOver = true;
      await Promise.resolve();
    },
  };
}
