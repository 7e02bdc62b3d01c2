/**
 * The world: the real coordinator in several simulated processes on one journal, one Kafka and one store,
 * under one seed. First the schedule's faults happen; then everything heals, and each record must become
 * committed.
 */
import { journalId } from '../journal/ids.ts';
import type { PresenceBoard } from '../journal/presence.ts';
import { createMemoryPresence } from '../journal/memory/presence.ts';
import type { Ports } from '../src/job/context.ts';
import { withFailpoints } from '../src/stores/failpointStore.ts';
import { startAnswering } from './answers.ts';
import { checkAll } from './checkers/all.ts';
import { DOES_NOT_END } from './checkers/facts.ts';
import { destinationHands } from './destinationHands.ts';
import { FaultPlan, type TimedFault } from './faultPlan.ts';
import { lifeConfig, NO_CHANGE, type JobChange } from './job/change.ts';
import { Lives, mendJobFiles, timesOf } from './processLives.ts';
import { fileRequest } from './operator.ts';
import { examined, EXAMINED_MS, type Examine } from './remains.ts';
import { Place, type Connected } from './processPlace.ts';
import { SimProcess, type AtFailpoint, type ProcessWatcher } from './process.ts';
import { SeededRandom, seedOf } from './random.ts';
import { Reach } from './reachedByRun.ts';
import { partitionOf } from './reader.ts';
import { collectingRejections } from './rejections.ts';
import { Recorder } from './recorder.ts';
import { OPERATOR_PLACE, PLACES_MAX, type Harm, type WorldHands } from './faults/kind.ts';
import { strike } from './faults/registry.ts';
import type { RunTrace, Schedule } from './schedule.ts';
import { RightStops } from './endOfHarmedWorld.ts';
import { Scheduler, type EndReason } from './scheduler.ts';
import { ASLEEP_MS, JOB, jobSettings, livenessBoundMs } from './job/settings.ts';
import { SimJournalServer } from './simJournalServer.ts';
import { SimKafka } from './simKafka.ts';
import { makeMemory } from './simMemory.ts';
import { makeStore } from './simStores/makeStore.ts';
import type { SimStoreServer } from './simStores/port.ts';
import { Sweeps } from './sweeping.ts';

/** More than any schedule needs: a longer one is in an endless loop. */
const TASKS_MAX = 300_000;
/** Longest time that a process takes to drain when everything is healthy. */
const DRAIN_MS = 30_000;
/** When the group rebalances after the faults, if there are partitions that nobody names. */
const ASKED_AGAIN_MS = [3_000, 15_000] as const;
const JOB_SUBJECT = '.job.life';
/** The interval at which owners look for requests, and a little more. */
const TAKEN_UP_MS = 1_100;

export interface WorldOptions {
  /** Also traces every failpoint that is passed, and every log line. */
  readonly keepEverything?: boolean;
  /** Puts something between a process and its ports: for tests of the world itself. */
  readonly adapt?: (ports: Ports, simulated: SimProcess) => Ports;
  /** Looks at what is left in the end, as a command that only reads would; the world goes on meanwhile. */
  readonly examine?: Examine;
}

/** Runs one schedule from start to end. The same schedule gives the same trace. */
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
  readonly #presence: PresenceBoard;
  readonly #places: readonly Place[];
  readonly #reach: Reach;
  readonly #hands: WorldHands;
  readonly #harms: Harm[] = [];
  readonly #rightStops: RightStops;
  readonly #unhandled: string[] = [];
  readonly #lives = new Lives();
  readonly #sweeps: Sweeps;
  readonly #adapt: (ports: Ports, simulated: SimProcess) => Ports;
  readonly #examine: Examine | undefined;
  /** An effect of a fault lasts until then. */
  #faultyUntilMs = 0;
  /** Their time is over: what was to come later strikes no more. */
  #areFaultsOver = false;
  #operators = 0;

  constructor(schedule: Schedule, options: WorldOptions) {
    const { keepEverything = false, adapt = (ports: Ports) => ports, examine } = options;
    this.#examine = examine;
    const { config, workload, faults, seed } = schedule;
    this.#schedule = schedule;
    this.#adapt = adapt;
    const scheduler = new Scheduler(new SeededRandom(seed));
    this.#scheduler = scheduler;
    this.#reach = new Reach(() => scheduler.nowMs);
    this.#plan = new FaultPlan(faults, (fault) => {
      this.#reach.struck(fault);
    });
    this.#kafka = new SimKafka(scheduler, this.#plan, workload, config);
    const recordsExpected = this.#kafka.logs.reduce((sum, log) => sum + log.expected().length, 0);
    this.#recorder = new Recorder(scheduler, {
      recordsExpected,
      keepEverything,
      leftovers: () => this.#store.leftovers(),
    });
    this.#rightStops = new RightStops(this.#recorder, this.#kafka.logs, (partition) =>
      this.#isUnread(partition),
    );
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
        this.#hands.powerCut();
      },
      asleep: (simulated) => {
        simulated.pause(ASLEEP_MS);
        this.#hands.lasts(scheduler.nowMs + ASLEEP_MS);
      },
      visible: (change) => {
        this.#recorder.changed(change);
      },
      mistaken: (finalUri) => {
        const partition = partitionOf(this.#recorder.journal, finalUri);
        this.#hands.harmed({ type: 'backup', partition, codes: ['STORE_FILE_MISSING'] });
      },
      swept: (removed) => {
        this.#sweeps.removes(removed);
      },
    });
    const [recorder, journal, store] = [this.#recorder, this.#journal, this.#store];
    const makeProcess = (): SimProcess => this.#makeOperator();
    this.#sweeps = new Sweeps({ scheduler, recorder, journal, store, schedule, makeProcess });
    this.#presence = createMemoryPresence({ nowMs: () => scheduler.nowMs });
    this.#places = this.#makePlaces();
    this.#hands = this.#makeHands();
  }

  #makePlaces(): Place[] {
    const { config } = this.#schedule;
    const context = {
      scheduler: this.#scheduler,
      recorder: this.#recorder,
      restartMs: config.restartMs,
      makeProcess: (place: number, life: number) => this.#makeProcess(place, life),
      connect: (simulated: SimProcess, change: JobChange) => this.#connect(simulated, change),
      isStarted: () => this.#recorder.journal.some(({ subject }) => subject.endsWith(JOB_SUBJECT)),
    };
    return Array.from({ length: PLACES_MAX }, (_, number) => new Place(context, number));
  }

  #makeProcess(place: number, life: number): SimProcess {
    const { config, seed } = this.#schedule;
    const [scheduler, recorder] = [this.#scheduler, this.#recorder];
    const watcher: ProcessWatcher = {
      atFailpoint: (simulated, point, side) => {
        recorder.passed(simulated, point, side);
        this.#reach.passed(simulated.name, point, side);
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
    return new SimProcess({ ...config, name, scheduler, watcher, seed: seedOf(seed, place, life) });
  }

  #connect(simulated: SimProcess, change: JobChange): Connected {
    const { clock, failpoints } = simulated;
    const config = lifeConfig(this.#schedule.config, change);
    const { openFilesMax, memoryBytes } = config;
    const memory = makeMemory(simulated, memoryBytes);
    const ports: Ports = {
      clock,
      random: this.#lives.begin(simulated, change),
      failpoints,
      journal: this.#journal.connect(simulated),
      source: this.#kafka.connect(simulated),
      store: withFailpoints(this.#store.connect(simulated), failpoints),
      ...(openFilesMax === null ? {} : { openFilesMax }),
      ...memory.ports,
      log: this.#recorder.logOf(simulated),
      onStep: (...step) => {
        this.#reach.stepped(simulated.name, ...step);
      },
      presence: { board: this.#presence, self: { host: `place-${simulated.place}`, pid: simulated.life } },
    };
    return { settings: jobSettings(config), ports: this.#adapt(ports, simulated), memory };
  }

  run(): Promise<RunTrace> {
    return collectingRejections(this.#unhandled, () => this.#run());
  }

  async #run(): Promise<RunTrace> {
    const { config } = this.#schedule;
    for (const place of this.#places.slice(0, config.processes)) place.start();
    for (const timed of this.#plan.timed) {
      const { fault } = timed;
      this.#hands.lasts(fault.atMs + 1);
      this.#scheduler.after(fault.atMs, null, () => {
        if (this.#areFaultsOver) return;
        this.#plan.took(timed);
        this.#strike(fault);
      });
    }
    await this.#go(() => this.#haveAllStruck, config.faultsUntilMs);
    this.#areFaultsOver = true;
    this.#heal();
    const healedAtMs = this.#scheduler.nowMs;
    const boundMs =
      Math.max(healedAtMs, this.#kafka.workloadEndMs) + livenessBoundMs(this.#schedule, this.#harms);
    const complete = await this.#go(() => this.#isOver, boundMs);
    const completeAtMs = complete === 'done' ? this.#scheduler.nowMs : null;
    // Calls still in flight must change nothing any more.
    await this.#go(() => false, this.#scheduler.nowMs + 2 * config.timeoutMs);
    for (const place of this.#places) place.stop();
    const drained = await this.#go(() => this.#isEmpty, this.#scheduler.nowMs + DRAIN_MS);
    if (drained !== 'done') this.#recorder.tell(null, DOES_NOT_END);
    if (complete === 'done') await this.#sweeps.end((isDone, untilMs) => this.#go(isDone, untilMs));
    if (this.#examine !== undefined) await this.#examined(this.#examine);
    return this.#trace(healedAtMs, completeAtMs);
  }

  async #examined(examine: Examine): Promise<void> {
    const { ports, settings } = this.#connect(this.#makeOperator(), NO_CHANGE);
    const examining = examined(examine, ports, {
      ...{ naming: settings.naming, recorder: this.#recorder, group: this.#kafka.group },
    });
    await this.#go(() => examining.isDone, this.#scheduler.nowMs + EXAMINED_MS);
    await examining.end;
  }

  #go(done: () => boolean, untilMs: number): Promise<EndReason> {
    return this.#scheduler.run(done, { tasksMax: TASKS_MAX, untilMs });
  }

  get #haveAllStruck(): boolean {
    if (this.#scheduler.nowMs < this.#faultyUntilMs) return false;
    return this.#plan.allFired || this.#isOver;
  }

  /** Everything is committed, or has stopped rightly. */
  get #isOver(): boolean {
    return this.#recorder.isComplete || this.#rightStops.isOver(this.#harms);
  }

  /** Rebalances to hand out unnamed partitions. A later call retries if the journal was silent or behind. */
  #askAgain(): void {
    const { logs, group } = this.#kafka;
    if (logs.some(({ partition }) => this.#isUnread(partition))) group.rebalance();
  }

  #isUnread(partition: number): boolean {
    const wanted = [...this.#places.keys()].filter((place) => this.#places[place]?.isWanted);
    return this.#kafka.topics.isUnread(partition, wanted);
  }

  get #isEmpty(): boolean {
    return this.#places.every(({ process: simulated }) => simulated === null);
  }

  #noteFault(simulated: SimProcess, where: string, what: AtFailpoint): void {
    if (what.type === 'go') return;
    this.#recorder.tell(simulated, `${what.type === 'crash' ? 'is killed' : 'is paused'} ${where}`);
    if (what.type === 'pause') this.#hands.lasts(this.#scheduler.nowMs + what.forMs);
  }

  /** Applies a fault at its time. */
  #strike(fault: TimedFault): void {
    const simulated = 'process' in fault ? (this.#places[fault.process]?.process ?? null) : null;
    if (fault.type !== 'join') this.#recorder.tell(simulated, fault.type);
    strike(fault, this.#hands);
  }

  #makeHands(): WorldHands {
    const [scheduler, recorder] = [this.#scheduler, this.#recorder];
    const killAll = (): void => {
      for (const place of this.#places) place.process?.kill();
    };
    return {
      get nowMs() {
        return scheduler.nowMs;
      },
      ...{ config: this.#schedule.config, schedule: this.#schedule, entries: recorder.journal },
      ...{ random: new SeededRandom(this.#schedule.seed), killAll },
      ...{ journal: this.#journal, kafka: this.#kafka, store: this.#store },
      processAt: (place) => this.#places[place]?.process ?? null,
      start: (place) => this.#places[place]?.start(),
      stop: (place) => this.#places[place]?.stop(),
      answer: (forMs, from, acceptLoss) => {
        const untilMs = scheduler.nowMs + forMs;
        this.#hands.lasts(untilMs);
        startAnswering(
          { scheduler, recorder, store: this.#store, request: (...asked) => this.#request(...asked) },
          { untilMs, from, acceptLoss },
        );
      },
      ...destinationHands({
        ...{ scheduler, recorder, store: this.#store, journal: this.#journal, schedule: this.#schedule },
        hands: () => this.#hands,
      }),
      powerCut: () => {
        killAll();
        this.#store.powerCut();
      },
      lasts: (untilMs) => {
        this.#faultyUntilMs = Math.max(this.#faultyUntilMs, untilMs);
      },
      request: (partition, request) => {
        this.#request(partition, request);
      },
      harmed: (harm) => {
        this.#harms.push({ ...harm, atMs: scheduler.nowMs });
      },
      logCut: () => {
        recorder.countsSingly();
      },
      mayBeUnread: () => {
        recorder.countsSingly();
      },
      sweep: (waitMs) => {
        this.#sweeps.begin(waitMs);
      },
      configure: (place, change) => this.#places[place]?.configure(change),
      restart: (place) => this.#places[place]?.restart(),
      journalCut: (revision) => {
        recorder.journalCut(revision);
        this.#kafka.forget((topic) => recorder.names(topic));
      },
    };
  }

  #makeOperator(): SimProcess {
    this.#operators += 1;
    return this.#makeProcess(OPERATOR_PLACE, this.#operators - 1);
  }

  #request(partition: number, request: Parameters<WorldHands['request']>[1]): void {
    const operator = this.#makeOperator();
    this.#hands.lasts(this.#scheduler.nowMs + TAKEN_UP_MS);
    const [journal, recorder] = [this.#journal, this.#recorder];
    fileRequest(
      { process: operator, journal, job: JOB, recorder },
      this.#kafka.topics.at(partition),
      request,
    );
  }

  /** No more faults; every wanted process runs. */
  #heal(): void {
    this.#recorder.tell(null, 'the faults end');
    this.#plan.end();
    this.#journal.goMute(0);
    for (const service of [this.#journal, this.#kafka, this.#store]) service.goAway(0);
    this.#store.fill?.(Infinity);
    mendJobFiles(this.#places, this.#scheduler, this.#recorder);
    if (this.#places.every(({ isWanted }) => !isWanted)) this.#places[0]?.start();
    for (const place of this.#places) {
      place.process?.wake();
      if (place.isWanted) place.start();
    }
    for (const afterMs of ASKED_AGAIN_MS) this.#scheduler.after(afterMs, null, () => this.#askAgain());
  }

  #trace(healedAtMs: number, completeAtMs: number | null): RunTrace {
    const { journal, visible, happenings, exits, stopped, alarms, lent, failpointHits } = this.#recorder;
    const facts = {
      schedule: this.#schedule,
      ...{ healedAtMs, completeAtMs, endedAtMs: this.#scheduler.nowMs, tasks: this.#scheduler.tasksRun },
      ...{ journal, visible, happenings, exits, stopped, alarms, lent, failpointHits },
      leftovers: this.#store.leftovers(),
      expected: this.#kafka.logs.map((log) => log.expected()),
      earlier: this.#kafka.logs.map((log) => log.earlier),
      ...{ lives: this.#lives.all, claimants: this.#lives.claimants(journal) },
      recordTimes: this.#kafka.logs.map(({ batches }) => timesOf(batches)),
      harms: this.#harms,
      held: [...this.#store.held()].map(([process, { now, most }]) => ({ process, left: now, most })),
      ...{ fired: this.#plan.fired, sweeps: this.#sweeps.trace },
      reached: this.#reach.reached,
      unhandled: this.#unhandled,
    };
    return { ...facts, violations: checkAll(facts) };
  }
}
