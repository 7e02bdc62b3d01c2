/**
 * The world: the real coordinator in several simulated processes on one journal, one Kafka and one store, under one seed. First
 * the schedule's faults; then everything heals, and each record must become committed.
 */
import process from 'node:process';
import { journalId } from '../../journal/ids.ts';
import type { Ports } from '../coordinator/options.ts';
import { withFailpoints } from '../stores/failpointStore.ts';
import { checkAll } from './checkers/all.ts';
import { DOES_NOT_END } from './checkers/facts.ts';
import { FaultPlan, type TimedFault } from './faultPlan.ts';
import { requestRoll } from './operator.ts';
import { Place } from './place.ts';
import { SimProcess, type AtFailpoint, type ProcessWatcher } from './process.ts';
import { SeededRandom } from './random.ts';
import { Recorder } from './recorder.ts';
import type { RunTrace, Schedule, Service, StoreKind } from './schedule.ts';
import { Scheduler, type EndReason } from './scheduler.ts';
import { jobSettings, livenessBoundMs } from './settings.ts';
import { SimJournalServer } from './simJournal.ts';
import { SimKafka } from './simKafka.ts';
import { SimFileServer } from './simStores/file.ts';
import { SimOssServer } from './simStores/oss.ts';
import { SimOssHdfsServer } from './simStores/ossHdfs.ts';
import type { SimStoreOptions, SimStoreServer } from './simStores/port.ts';

/** More than any schedule needs: what goes on for longer turns in a circle. */
const TASKS_MAX = 300_000;
/** Longest that a process takes to drain when everything is healthy. */
const DRAIN_MS = 30_000;
const PLACES_MAX = 4;
/** A session and its aftermath. */
const ASLEEP_MS = 4_000;
/** Operators have their own place, outside of the group. */
const OPERATOR = PLACES_MAX;
/** Owners look for requests this often, and a little more. */
const TAKEN_UP_MS = 1_100;

export interface WorldOptions {
  /** Traces also every failpoint that is passed and every log line. */
  readonly keepEverything?: boolean;
  /** Puts something between a process and its ports: for tests of the world itself. */
  readonly adapt?: (ports: Ports, simulated: SimProcess) => Ports;
}

/** Runs one schedule from its begin to its end. The same schedule gives the same trace. */
export async function runWorld(schedule: Schedule, options: WorldOptions = {}): Promise<RunTrace> {
  return new World(schedule, options).run();
}

class World {
  readonly #schedule: Schedule;
  readonly #scheduler: Scheduler;
  readonly #plan: FaultPlan;
  readonly #recorder: Recorder;
  readonly #journal: SimJournalServer;
  readonly #kafka: SimKafka;
  readonly #store: SimStoreServer;
  readonly #places: readonly Place[];
  readonly #unhandled: string[] = [];
  readonly #adapt: (ports: Ports, simulated: SimProcess) => Ports;
  /** Until then something that a fault began goes on. */
  #faultyUntilMs = 0;
  #requests = 0;

  constructor(schedule: Schedule, { keepEverything = false, adapt = (ports) => ports }: WorldOptions) {
    const { config, workload, faults, seed } = schedule;
    this.#schedule = schedule;
    this.#adapt = adapt;
    const scheduler = new Scheduler(new SeededRandom(seed));
    this.#scheduler = scheduler;
    this.#plan = new FaultPlan(faults);
    this.#kafka = new SimKafka(scheduler, this.#plan, workload, config);
    const recordsExpected = this.#kafka.logs.reduce((sum, log) => sum + log.expected().length, 0);
    this.#recorder = new Recorder(scheduler, {
      recordsExpected,
      keepEverything,
      leftovers: () => this.#store.leftovers(),
    });
    this.#journal = new SimJournalServer(scheduler, this.#plan, {
      ...config,
      id: journalId('world-journal'),
      stored: (subject, entry) => {
        this.#recorder.stored(subject, entry);
      },
    });
    this.#store = makeStore(config.store, {
      scheduler,
      faults: this.#plan,
      timeoutMs: config.timeoutMs,
      powerCut: () => {
        this.#powerCut();
      },
      asleep: (simulated) => {
        simulated.pause(ASLEEP_MS);
        this.#lasts(scheduler.nowMs + ASLEEP_MS);
      },
      visible: (change) => {
        this.#recorder.changed(change);
      },
    });
    this.#places = this.#makePlaces();
  }

  #makePlaces(): Place[] {
    const { config } = this.#schedule;
    const context = {
      scheduler: this.#scheduler,
      recorder: this.#recorder,
      settings: jobSettings(config),
      restartMs: config.restartMs,
      makeProcess: (place: number, life: number) => this.#makeProcess(place, life),
      connect: (simulated: SimProcess) => this.#connect(simulated),
    };
    return Array.from({ length: PLACES_MAX }, (_, number) => new Place(context, number));
  }

  #makeProcess(place: number, life: number): SimProcess {
    const { config, seed } = this.#schedule;
    const [scheduler, recorder] = [this.#scheduler, this.#recorder];
    const watcher: ProcessWatcher = {
      atFailpoint: (simulated, point, side) => {
        recorder.passed(simulated, point, side);
        const what = this.#plan.atFailpoint(simulated, point, side);
        this.#noteFault(simulated, `${side} ${point}`, what);
        return what;
      },
      died: (simulated) => {
        recorder.tell(simulated, 'dies');
        this.#places[simulated.place]?.died(simulated);
      },
    };
    const name = { place, life };
    return new SimProcess({ ...config, name, scheduler, watcher, seed: mix(seed, place, life) });
  }

  #connect(simulated: SimProcess): Ports {
    const { clock, random, failpoints } = simulated;
    const ports: Ports = {
      clock,
      random,
      failpoints,
      journal: this.#journal.connect(simulated),
      source: this.#kafka.connect(simulated),
      store: withFailpoints(this.#store.connect(simulated), failpoints),
      log: this.#recorder.logOf(simulated),
    };
    return this.#adapt(ports, simulated);
  }

  /** A rejection that nobody handles is the run's own: whoever else listens for them is not told of it. */
  async run(): Promise<RunTrace> {
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => {
      this.#unhandled.push(reason instanceof Error ? reason.message : String(reason));
    });
    try {
      return await this.#run();
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  }

  async #run(): Promise<RunTrace> {
    const { config } = this.#schedule;
    for (const place of this.#places.slice(0, config.processes)) place.start();
    for (const { fault, index } of this.#plan.timed) {
      this.#lasts(fault.atMs + 1);
      this.#scheduler.after(fault.atMs, null, () => {
        this.#plan.fired[index] = true;
        this.#strike(fault);
      });
    }
    await this.#go(() => this.#faultsAreOver, config.faultsUntilMs);
    this.#heal();
    const healedAtMs = this.#scheduler.nowMs;
    const boundMs = Math.max(healedAtMs, this.#kafka.workloadEndMs) + livenessBoundMs(config);
    const complete = await this.#go(() => this.#recorder.isComplete, boundMs);
    const completeAtMs = complete === 'done' ? this.#scheduler.nowMs : null;
    // What is still on its way must change nothing any more.
    await this.#go(() => false, this.#scheduler.nowMs + 2 * config.timeoutMs);
    for (const place of this.#places) place.stop();
    const drained = await this.#go(() => this.#isEmpty, this.#scheduler.nowMs + DRAIN_MS);
    if (drained !== 'done') this.#recorder.tell(null, DOES_NOT_END);
    return this.#trace(healedAtMs, completeAtMs);
  }

  #go(done: () => boolean, untilMs: number): Promise<EndReason> {
    return this.#scheduler.run(done, { tasksMax: TASKS_MAX, untilMs });
  }

  get #faultsAreOver(): boolean {
    if (this.#scheduler.nowMs < this.#faultyUntilMs) return false;
    return this.#plan.allFired || this.#recorder.isComplete;
  }

  get #isEmpty(): boolean {
    return this.#places.every(({ process: simulated }) => simulated === null);
  }

  #lasts(untilMs: number): void {
    this.#faultyUntilMs = Math.max(this.#faultyUntilMs, untilMs);
  }

  #noteFault(simulated: SimProcess, where: string, what: AtFailpoint): void {
    if (what.type === 'go') return;
    this.#recorder.tell(simulated, `${what.type === 'crash' ? 'is killed' : 'is paused'} ${where}`);
    if (what.type === 'pause') this.#lasts(this.#scheduler.nowMs + what.forMs);
  }

  /** A fault whose time has come. */
  #strike(fault: TimedFault): void {
    const simulated = 'process' in fault ? (this.#places[fault.process]?.process ?? null) : null;
    if (fault.type !== 'join') this.#recorder.tell(simulated, fault.type);
    switch (fault.type) {
      case 'kill':
        simulated?.kill();
        break;
      case 'freeze':
        simulated?.pause(fault.forMs);
        this.#lasts(this.#scheduler.nowMs + fault.forMs);
        break;
      case 'join':
        this.#places[fault.process]?.start();
        break;
      case 'leave':
        this.#places[fault.process]?.stop();
        break;
      case 'roll':
        this.#requestRoll(fault.partition);
        break;
      case 'rebalance':
        this.#kafka.group.rebalance();
        break;
      case 'away':
        this.#serviceOf(fault.service).goAway(fault.forMs);
        this.#lasts(this.#scheduler.nowMs + fault.forMs);
        break;
      case 'powerCut':
        this.#powerCut();
    }
  }

  #powerCut(): void {
    for (const place of this.#places) place.process?.kill();
    this.#store.powerCut();
  }

  #requestRoll(partition: number): void {
    const operator = this.#makeProcess(OPERATOR, this.#requests);
    this.#requests += 1;
    this.#lasts(this.#scheduler.nowMs + TAKEN_UP_MS);
    const { job } = jobSettings(this.#schedule.config);
    const [journal, recorder] = [this.#journal, this.#recorder];
    requestRoll({ process: operator, journal, job, recorder }, { topic: this.#kafka.topic, partition });
  }

  #serviceOf(service: Service): { goAway(forMs: number): void } {
    return { journal: this.#journal, kafka: this.#kafka, store: this.#store }[service];
  }

  /** Nothing goes wrong any more; everybody who is wanted is there. */
  #heal(): void {
    this.#recorder.tell(null, 'the faults end');
    this.#plan.end();
    for (const service of [this.#journal, this.#kafka, this.#store]) service.goAway(0);
    if (this.#places.every(({ isWanted }) => !isWanted)) this.#places[0]?.start();
    for (const place of this.#places) {
      place.process?.wake();
      if (place.isWanted) place.start();
    }
  }

  #trace(healedAtMs: number, completeAtMs: number | null): RunTrace {
    const { journal, visible, happenings, exits, stopped, alarms, failpointHits } = this.#recorder;
    const facts = {
      schedule: this.#schedule,
      ...{ healedAtMs, completeAtMs, endedAtMs: this.#scheduler.nowMs, tasks: this.#scheduler.tasksRun },
      ...{ journal, visible, happenings, exits, stopped, alarms, failpointHits },
      leftovers: this.#store.leftovers(),
      expected: this.#kafka.logs.map((log) => log.expected()),
      fired: this.#plan.fired,
      unhandled: this.#unhandled,
    };
    return { ...facts, violations: checkAll(facts) };
  }
}

function makeStore(kind: StoreKind, options: SimStoreOptions): SimStoreServer {
  switch (kind) {
    case 'file':
      return new SimFileServer(options);
    case 'oss-hdfs':
      return new SimOssHdfsServer(options);
    case 'oss':
      return new SimOssServer(options);
  }
}

/** A seed for each process of a world. */
function mix(seed: number, place: number, life: number): number {
  return new SeededRandom(seed ^ Math.imul(place + 1, 0x9e3779b1) ^ Math.imul(life + 1, 0x85ebca6b)).uint32();
}
