/**
 * What a job would do, from its job file, its journal and one look at its source. Writes nothing anywhere: it
 * joins no group, commits nothing, creates no topic, journal or file.
 */
import { markerFolderUri } from '../../actors/naming.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import { partitionName } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { JobSettings } from '../job/context.ts';
import { isLeftOut } from '../job/topicStart.ts';
import { findWitness } from '../run/openJournal.ts';
import { isSourceFailure } from '../sources/failure.ts';
import type { OffsetRange, Source, SourceFacts, TopicFacts } from '../sources/port.ts';
import { StoreFailure } from '../stores/failure.ts';
import type { Store } from '../stores/port.ts';
import { orAborted, orLate } from '../system/bounded.ts';
import type { Clock } from '../system/clock.ts';
import { forEachBounded } from '../system/concurrency.ts';
import type { Log } from '../telemetry/log.ts';
import { memoryAdvice, memoryFindings, topicAdvice, topicFindings } from './advice.ts';
import type { FileLimits } from './expectedFiles.ts';
import { findJournal, type JournalFound, type JournaledJob } from './journaledJob.ts';
import { planMemory, type MemoryFacts } from './memoryPlan.ts';
import type { DestinationPlan, JournalPlan, PlanReport } from './planReport.ts';
import { planTopic, type SampledPartition, type SampledTopic, type TopicLoad } from './planTopic.ts';
import { hourBefore } from './rates.ts';
import { readSample } from './readSample.ts';
import { laterTopicsText, startFromText, startsOf, type PartitionStart } from './starts.ts';

/** Partitions that are read at the same time. */
const READ_TOGETHER = 8;

export interface PlanProgress {
  readonly partitionsDone: number;
  readonly partitions: number;
  readonly recordsSampled: number;
}

export interface PlanPorts {
  readonly source: Source;
  readonly openJournal: () => Promise<Journal>;
  readonly openStore: () => Promise<Store>;
  readonly clock: Clock;
  /** Aborted when the time is over, with an error as its reason. */
  readonly signal: AbortSignal;
  /** How long the destination alone may take. */
  readonly storeMs: number;
  readonly log: Log;
  readonly onProgress: (progress: PlanProgress) => void;
}

/** What follows from the job file alone. */
export interface PlanRule {
  readonly config: Pick<JobConfig, 'job' | 'sink' | 'bad' | 'checkpoint'>;
  readonly settings: Pick<JobSettings, 'naming' | 'assigner' | 'format' | 'startFrom'>;
  readonly limits: FileLimits;
  readonly memory: Pick<MemoryFacts, 'ceilingBytes' | 'isSet' | 'takenBytes' | 'rowGroupBytes' | 'filesMax'>;
  readonly texts: Pick<PlanReport, 'source' | 'bucket' | 'roll'>;
  readonly journal: Pick<JournalPlan, 'kind' | 'location'>;
  /** Offsets before the end of each partition at which the sample begins. */
  readonly sampleOffsets: number;
}

/**
 * Rejects with SOURCE_UNAVAILABLE or another error of the source if it cannot be asked, and with
 * SOURCE_START_INVALID if a run would begin nowhere. A journal or destination that does not answer is part
 * of the plan.
 */
export function planJob(rule: PlanRule, ports: PlanPorts): Promise<PlanReport> {
  return new Planning(rule, ports).plan();
}

class Planning {
  readonly #rule: PlanRule;
  readonly #ports: PlanPorts;
  readonly #findings: string[] = [];
  readonly #wallMs: number;
  #partitions = 0;
  #partitionsDone = 0;
  #recordsSampled = 0;

  constructor(rule: PlanRule, ports: PlanPorts) {
    this.#rule = rule;
    this.#ports = ports;
    this.#wallMs = ports.clock.wallMs();
  }

  async plan(): Promise<PlanReport> {
    const { source, openJournal, signal, log } = this.#ports;
    const { config } = this.#rule;
    const onWaiting = (): void => undefined;
    const [facts, journal] = await Promise.all([
      this.#answer(source.describe({ wait: false, onWaiting, signal })),
      this.#answer(findJournal(openJournal, config.job, log)),
    ]);
    const job = journal.type === 'found' ? journal.job : null;
    this.#findInFacts(facts, job);
    const [destination, sampled] = await Promise.all([
      this.#destination(journal),
      this.#answer(this.#topics(facts.topics, journal)),
    ]);
    return this.#report(facts, journal, destination, sampled);
  }

  #answer<T>(asking: Promise<T>): Promise<T> {
    return orAborted(this.#ports.signal, asking);
  }

  #findInFacts({ missing = [], unmatched = [], groupId }: SourceFacts, job: JournaledJob | null): void {
    for (const topic of missing) this.#findings.push(`Topic ${topic} does not exist: a run waits for it.`);
    for (const pattern of unmatched) this.#findings.push(`No topic matches ${pattern}: a run waits for one.`);
    if (job === null) return;
    const { facts, partitions, damaged } = job;
    const { naming } = this.#rule.settings;
    if (facts.started > 0 && facts.groupId !== groupId)
      this.#findings.push(
        `The job was started with group "${facts.groupId ?? '-'}", and the job file says ` +
          `"${groupId ?? '-'}": a run refuses that without --move-group.`,
      );
    if (facts.sinkUri !== null && facts.sinkUri !== naming.sinkUri)
      this.#findings.push(
        `The job writes to ${facts.sinkUri}, and the job file says ${naming.sinkUri}: a run refuses that ` +
          'without --move-sink.',
      );
    for (const [name, { stop }] of partitions)
      if (stop !== null) this.#findings.push(`${name} is stopped: ${stop.code}: ${stop.message}`);
    for (const { partition, error } of damaged)
      this.#findings.push(`${partitionName(partition)} cannot be read in the journal: ${error.message}`);
  }

  /** Reads the marker, and what else remembers a journal that is not there. */
  async #destination(journal: JournalFound): Promise<DestinationPlan> {
    const { config, settings } = this.#rule;
    const { source, openStore, signal, log } = this.#ports;
    const { type: kind, uri, format } = config.sink;
    const common = { kind, uri, format };
    let store: Store | null = null;
    try {
      store = await this.#inTime(openStore());
      const folder = markerFolderUri(settings.naming);
      const marker = markerOf(await this.#inTime(store.readMarker(folder, config.job)), journal);
      if (journal.type === 'none') {
        const looking = findWitness({ config, source, store, wait: false, signal, log });
        this.#findWitness(await this.#answer(looking));
      } else this.#findMarker(marker, journal, folder);
      return { ...common, marker };
    } catch (error) {
      if (isSourceFailure(error) || signal.aborted) throw error;
      const { code, message } = asTidemarkError(error, 'Asking the destination');
      return { ...common, marker: 'notReached', code, message };
    } finally {
      void store?.close().catch(() => undefined);
    }
  }

  #inTime<T>(asking: Promise<T>): Promise<T> {
    const { clock, storeMs } = this.#ports;
    const message = `The destination did not answer within ${storeMs / 1_000} s.`;
    return this.#answer(orLate(clock, storeMs, asking, () => new StoreFailure('unavailable', message)));
  }

  #findWitness(witness: string | null): void {
    if (witness === null) return;
    this.#findings.push(
      `There is no journal, but ${witness} remembers one: a run refuses to begin anew. Restore the journal.`,
    );
  }

  #findMarker(marker: DestinationPlan['marker'], journal: JournalFound, folder: string): void {
    if (marker === 'other')
      this.#findings.push(
        `${folder} was written by another journal of a job of this name: a run refuses it.`,
      );
    if (marker === 'none' && journal.type === 'found' && journal.job.facts.markers.has(folder))
      this.#findings.push(
        `${folder} has lost its marker, though the job has written there: is its file system mounted?`,
      );
  }

  async #topics(topics: readonly TopicFacts[], journal: JournalFound): Promise<readonly SampledTopic[]> {
    const known: { readonly facts: TopicFacts; readonly found: Known }[] = [];
    for (const facts of topics) {
      const found = await this.#answer(this.#known(facts, journal));
      if (found !== null) known.push({ facts, found });
    }
    this.#partitions = known.reduce((sum, { found }) => sum + found.ranges.length, 0);
    const sampled = known.map(() => [] as SampledPartition[]);
    const places = known.flatMap(({ facts, found }, index) =>
      found.ranges.map((range, partition) => ({ facts, found, index, range, partition })),
    );
    await forEachBounded(places, READ_TOGETHER, async ({ facts, found, index, range, partition }) => {
      const start = found.starts[partition] ?? { offset: null, reason: 'unknown' };
      const offsetsOfHour = hourOffsets(range, found.hour?.[partition]);
      const sample = await this.#sample(facts, partition, range);
      (sampled[index] ?? [])[partition] = { range, start, sample, offsetsOfHour };
    });
    return known.map(({ facts: { topic } }, index) => ({ topic, partitions: sampled[index] ?? [] }));
  }

  /** Null if a run would leave the topic out. */
  async #known(topic: TopicFacts, journal: JournalFound): Promise<Known | null> {
    const { source } = this.#ports;
    const { startFrom } = this.#rule.settings;
    const job = journal.type === 'found' ? journal.job : journal.type === 'none' ? null : 'unknown';
    const before = job === null || job === 'unknown' ? undefined : job.facts.topics.get(topic.topic);
    const isFirst = job === null || job === 'unknown' || job.facts.started === 0;
    try {
      const ranges = await source.ranges(topic.topic);
      const starts = await startsOf({ source, startFrom, job }, topic);
      if (before !== undefined && before.topicId !== null)
        await source.verifyIdentity(topic.topic, before.topicId);
      const at = { type: 'time', atMs: hourBefore(this.#wallMs) } as const;
      // Files have no index of times: all of them would be read.
      const hour = source.kind === 'kafka' ? await source.startOffsets(topic.topic, at) : null;
      return { ranges, starts, hour };
    } catch (error) {
      if (!isLeftOut(error, topic, isFirst) && !isSourceFailure(error, 'replaced', 'unreadable')) throw error;
      this.#findings.push(error.message);
      return null;
    }
  }

  async #sample({ topic, topicId }: TopicFacts, partition: number, range: OffsetRange) {
    const { source, clock, signal, onProgress } = this.#ports;
    const { settings, config, sampleOffsets } = this.#rule;
    const rule = { ...settings, bad: config.bad, wallMs: this.#wallMs };
    const sample = await readSample({
      ...{ source, clock, signal, rule, range, topicId, offsetsMax: sampleOffsets },
      partition: { topic, partition },
    });
    this.#partitionsDone += 1;
    this.#recordsSampled += sample.records;
    onProgress({
      partitionsDone: this.#partitionsDone,
      partitions: this.#partitions,
      recordsSampled: this.#recordsSampled,
    });
    return sample;
  }

  #report(
    { missing = [], unmatched = [] }: SourceFacts,
    journal: JournalFound,
    destination: DestinationPlan,
    sampled: readonly SampledTopic[],
  ): PlanReport {
    const { config, settings, limits, texts } = this.#rule;
    const { naming, startFrom } = settings;
    const job = journal.type === 'found' ? journal.job : null;
    const planned = sampled.map((each) => planTopic(each, { naming, limits, job }));
    const topics = planned.map(({ plan }) => plan);
    const memory = this.#memory(
      topics.reduce((sum, { files }) => sum + (files?.open ?? 0), 0),
      planned.map(({ load }) => load),
    );
    const advising = { maxBytes: limits.bytes, bad: config.bad, wallMs: this.#wallMs };
    return {
      ...texts,
      ...{ job: config.job, topics, missing, unmatched, memory, destination },
      isFirstStart: journal.type === 'notReached' ? null : job === null || job.facts.started === 0,
      startFrom: startFromText(startFrom),
      laterTopics: laterTopicsText(startFrom),
      entropy: naming.entropy,
      checkpoint: this.#checkpoint(topics),
      journal: { ...this.#rule.journal, ...journalState(journal) },
      findings: [
        ...this.#findings,
        ...topics.flatMap((topic) => topicFindings(topic, config.bad)),
        ...memoryFindings(memory),
      ],
      advice: [
        ...topics.flatMap((topic) => topicAdvice(topic, advising)),
        ...memoryAdvice(memory, foldersIn(topics)),
      ],
    };
  }

  #memory(filesOpen: number, loads: readonly TopicLoad[]) {
    const { memory, config } = this.#rule;
    const rows = loads.flatMap(({ rowBytes }) => rowBytes ?? []);
    const seconds = config.checkpoint.intervalMs / 1_000;
    return planMemory({
      ...memory,
      filesOpen,
      rowBytes: rows.length === 0 ? null : Math.max(...rows),
      recordsPerFile: Math.max(0, ...loads.map(({ recordsPerFile }) => recordsPerFile)),
      bytesPerInterval: seconds * Math.max(0, ...loads.map((load) => load.bytesPerSecondOfFile)),
    });
  }

  #checkpoint(topics: PlanReport['topics']): PlanReport['checkpoint'] {
    const { intervalMs } = this.#rule.config.checkpoint;
    const seconds = intervalMs / 1_000;
    const known = topics.flatMap(({ rate: { recordsPerSecond }, record }) =>
      recordsPerSecond === null ? [] : [{ recordsPerSecond, sourceBytes: record?.sourceBytes ?? 0 }],
    );
    if (known.length === 0) return { intervalMs, recordsAgain: null, bytesAgain: null };
    const sum = (of: (each: (typeof known)[number]) => number): number =>
      known.reduce((total, each) => total + of(each), 0);
    return {
      intervalMs,
      recordsAgain: seconds * sum(({ recordsPerSecond }) => recordsPerSecond),
      bytesAgain: seconds * sum(({ recordsPerSecond, sourceBytes }) => recordsPerSecond * sourceBytes),
    };
  }
}

const foldersIn = (topics: PlanReport['topics']): number =>
  topics.flatMap(({ partitions }) => partitions).reduce((sum, { sample }) => sum + sample.buckets, 0);

interface Known {
  readonly ranges: readonly OffsetRange[];
  readonly starts: readonly PartitionStart[];
  /** Where the last hour begins; null if the source cannot tell. */
  readonly hour: readonly bigint[] | null;
}

/** Null if the log does not reach back that far. */
function hourOffsets({ startOffset, endOffset }: OffsetRange, from: bigint | undefined): bigint | null {
  if (from === undefined || from <= startOffset) return null;
  return endOffset > from ? endOffset - from : 0n;
}

function markerOf(id: string | null, journal: JournalFound): 'none' | 'own' | 'other' | 'unknown' {
  if (id === null) return 'none';
  if (journal.type === 'notReached') return 'unknown';
  return journal.type === 'found' && journal.job.journalId === id ? 'own' : 'other';
}

function journalState(journal: JournalFound) {
  switch (journal.type) {
    case 'none':
      return { state: 'none' } as const;
    case 'found': {
      const { journalId: id, facts } = journal.job;
      return { state: 'found', id, starts: facts.started } as const;
    }
    case 'notReached': {
      const { code, message } = journal.error;
      return { state: 'notReached', code, message } as const;
    }
  }
}
