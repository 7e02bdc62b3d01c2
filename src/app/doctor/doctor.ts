/** `tidemark doctor`: whether a job can run here, and keep its promise, before it runs. */
import { markerFolderUri } from '../../../actors/naming.ts';
import { check, warn, type Probe } from '../../../kernels/checks/check.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import type { SourceProbe } from '../../sources/kind.ts';
import { scratchUriOf, sinkProbe } from '../../stores/probing/sinkProbe.ts';
import { systemPorts, type Composition } from '../compose.ts';
import { kindOf } from '../registeredKinds.ts';
import {
  CHECK_AREAS,
  countsOf,
  type CheckArea,
  type DoctorOptions,
  type DoctorProgress,
  type DoctorReport,
} from './doctorReport.ts';
import { jobProbe } from './jobProbe.ts';
import { machineProbe } from './machineProbe.ts';
import { runChecks, type AreaFound } from './runChecks.ts';

const SCRATCH_ID_LENGTH = 12;

export async function doctor(
  composition: Composition,
  config: JobConfig,
  options: DoctorOptions,
): Promise<DoctorReport> {
  const { clock, random } = systemPorts;
  const scratchId = random.hexId().slice(0, SCRATCH_ID_LENGTH);
  const [source, journal, sink, machine] = await Promise.all([
    sourceProbeOf(composition, config, options),
    journalProbeOf(composition, config, options, scratchId),
    sinkProbeOf(composition, config, options, scratchId),
    machineProbe(composition, config),
  ]);
  const before = Promise.withResolvers<ReadonlyMap<CheckArea, AreaFound>>();
  const job = jobProbe({ composition, config, log: options.log, source, before: before.promise });
  const progress = new Progress([source, journal, sink, machine, job], options.onProgress);
  const othersHaveLooked = barrier([source, journal, sink, machine].filter(hasChecks).length);
  const run = async (area: CheckArea, probe: Probe): Promise<readonly [CheckArea, AreaFound]> => [
    area,
    await runChecks({ area, probe, clock, signal: options.signal, othersHaveLooked, ...progress.of }),
  ];
  const first = [run('source', source), run('journal', journal), run('sink', sink), run('machine', machine)];
  const found = new Map(await Promise.all(first));
  before.resolve(found);
  found.set(...(await run('job', job)));
  const checks = CHECK_AREAS.flatMap((area) => found.get(area)?.checks ?? []);
  const leftovers = CHECK_AREAS.flatMap((area) => found.get(area)?.leftovers ?? []);
  return { job: config.job, checks, counts: countsOf(checks), leftovers };
}

const hasChecks = ({ checks }: Probe): boolean => checks.length > 0;

/** Resolves for all once it was called so many times, and from then on at once. */
function barrier(calls: number): () => Promise<void> {
  const reached = Promise.withResolvers<undefined>();
  let left = calls;
  return async () => {
    left -= 1;
    if (left <= 0) reached.resolve(undefined);
    await reached.promise;
  };
}

class Progress {
  readonly #total: number;
  readonly #tell: (progress: DoctorProgress) => void;
  readonly #running = new Set<string>();
  #done = 0;
  readonly of = {
    onBegun: (id: string): void => {
      this.#running.add(id);
      this.#told();
    },
    onDone: (id: string): void => {
      this.#running.delete(id);
      this.#done += 1;
      this.#told();
    },
  };

  constructor(probes: readonly Probe[], tell: (progress: DoctorProgress) => void) {
    this.#total = probes.reduce((sum, { checks }) => sum + checks.length, 0);
    this.#tell = tell;
  }

  #told(): void {
    this.#tell({ done: this.#done, total: this.#total, running: [...this.#running] });
  }
}

/** Of a kind without checks. */
const NOTHING: Probe = { checks: [], isAway: () => false, close: async () => Promise.resolve() };

async function sourceProbeOf(
  composition: Composition,
  config: JobConfig,
  { log }: DoctorOptions,
): Promise<SourceProbe> {
  const { source, roll, checkpoint } = config;
  const probe = await kindOf(composition.kinds.sources, source).probe?.(source, {
    ...composition.sourceOpening(config, log),
    checkpointIntervalMs: checkpoint.intervalMs,
    publishedWithinMs: roll['maxAge'] ?? null,
  });
  return probe ?? { ...NOTHING, partitions: () => null };
}

async function journalProbeOf(
  composition: Composition,
  { journal }: JobConfig,
  { log }: DoctorOptions,
  scratchId: string,
): Promise<Probe> {
  const onWarning = (message: string): void => log.debug({}, message);
  const probe = await kindOf(composition.kinds.journals, journal).probe?.(journal, { scratchId, onWarning });
  return probe ?? NOTHING;
}

async function sinkProbeOf(
  composition: Composition,
  config: JobConfig,
  { log }: DoctorOptions,
  scratchId: string,
): Promise<Probe> {
  const { sink } = config;
  const kind = kindOf(composition.kinds.stores, sink);
  const folder = markerFolderUri({ sinkUri: sink.uri, entropy: sink.entropy });
  const scratchUri = scratchUriOf(folder, scratchId);
  const opening = composition.storeOpening(config, log);
  const probe = await kind.probe?.(sink, { ...opening, scratchUri });
  if (probe === undefined) {
    const unchecked = warn(
      `the kind ${kind.name} has no checks: nothing was written`,
      'Try it with a small job.',
    );
    return { ...NOTHING, checks: [check('sink-kind', [], async () => unchecked)] };
  }
  const { random, clock } = systemPorts;
  return sinkProbe({
    ...{ markerFolderUri: folder, scratchUri, probe },
    open: () => kind.open(sink, opening),
    draw: () => random.hexId(),
    nowMs: () => clock.nowMs(),
  });
}
