/**
 * The status of a job: the contents of its journal, the reports of its live coordinators, and the answer of
 * each dependency right now. Every answer has a time limit.
 */
import type { PartFileView, PartitionLedger } from '../../actors/ledger.ts';
import { TidemarkError, asTidemarkError } from '../../journal/errors.ts';
import { isJournalFailure, JournalFailure } from '../../journal/failure.ts';
import { SourceFailure } from '../sources/failure.ts';
import { StoreFailure } from '../stores/failure.ts';
import { inCurrentCodes } from '../partition/stopFacts.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal, JournalReader } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import type {
  BucketStatus,
  CoordinatorStatus,
  DependencyStatus,
  GroupStatus,
  JobStatus,
  PartStatus,
  PartitionStatus,
} from './contract.ts';
import type { Moment } from '../audit/replayJob.ts';
import { ledgerAt } from '../audit/stateAt.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { replayPartition } from '../partition/replayPartition.ts';
import { proposedRequests } from '../partition/requests.ts';
import { kindOf, type JobKinds } from './registeredKinds.ts';
import { lagOf } from './lag.ts';
import { PRESENCE_STALE_MS } from '../presence/keeper.ts';
import { decodePresence, type PresenceRecord } from '../presence/record.ts';
import type { PartitionSurvey, SourceSurveyor, TopicSurvey } from '../sources/survey.ts';
import type { Log } from '../telemetry/log.ts';

/** How long each dependency may take to answer. */
const PATIENCE_MS = 5_000;

/** What of the journal a status reads. */
export type StatusJournal = JournalReader & Pick<Journal, 'close'>;

export interface StatusPorts {
  readonly config: JobConfig;
  readonly kinds: JobKinds;
  /** Closed when the status is read. */
  readonly openJournal: () => Promise<StatusJournal>;
  /** Of a partition that this process owns: what its journal comes to, already folded. */
  readonly ledgerOf?: (partition: TopicPartition) => PartitionLedger | null;
  readonly presence: PresenceBoard;
  readonly surveyor: SourceSurveyor;
  /** Resolves if the destination answers. */
  readonly probeDestination: () => Promise<void>;
  readonly log: Log;
}

/**
 * Rejects with JOURNAL_MISSING if the job never ran and no process runs it or is starting it; any other
 * problem is part of the status.
 */
export async function readJobStatus(ports: StatusPorts): Promise<JobStatus> {
  const { config, kinds, presence, log } = ports;
  const journal = await probed('journal', ports.openJournal(), null);
  if (isJournalFailure(journal.problem, 'missing') && !(await isBegun(ports))) throw journal.problem;
  try {
    const [present, read, source, destination] = await Promise.all([
      probed('journal', presence.read(config.job), PATIENCE_MS),
      probed('journal', readPartitions(journal, ports), null),
      probed('source', surveyAll(ports, journal.answer), PATIENCE_MS),
      probed('destination', ports.probeDestination(), PATIENCE_MS),
    ]);
    if (present.problem !== null)
      log.warn({ err: present.problem }, 'what the coordinators say of themselves cannot be read');
    const coordinators = (present.answer ?? []).flatMap(({ bytes, ageMs }) => {
      const record = decodePresence(bytes);
      return record === null ? [] : [{ record, ageMs }];
    });
    const problem = journal.problem ?? read.problem;
    return {
      ...{ job: config.job, asOf: null },
      journal: { ...journalStatus(config, kinds), id: journal.answer?.id ?? null },
      coordinators: coordinators.map(coordinatorStatus),
      dependencies: [
        source.status,
        problem === null ? journal.status : { ...journal.status, ...failed(problem) },
        destination.status,
      ],
      problem,
      partitions: new PartitionStatuses(coordinators, source.answer ?? null).of(read.answer ?? []),
    };
  } finally {
    await journal.answer?.close();
  }
}

/**
 * The status as the journal had it at a moment: what coordinators and dependencies said then is not known.
 * Rejects if the journal cannot be read.
 */
export async function readJobStatusAt(
  { config, kinds, openJournal }: Pick<StatusPorts, 'config' | 'kinds' | 'openJournal'>,
  moment: Moment,
): Promise<JobStatus> {
  const journal = await openJournal();
  try {
    const read: ReadPartition[] = [];
    for (const subject of await journal.subjects(jobPrefix(config.job))) {
      const partition = partitionOf(subject);
      const ledger = partition === null ? null : await ledgerAt(journal, subject, moment);
      if (partition !== null && ledger !== null) read.push({ partition, ledger });
    }
    return {
      ...{ job: config.job, asOf: moment, journal: { ...journalStatus(config, kinds), id: journal.id } },
      ...{ coordinators: [], dependencies: [], problem: null },
      partitions: new PartitionStatuses([], null).of(read),
    };
  } finally {
    await journal.close();
  }
}

/** Whether a process of the job is waiting to create the journal, or has lost it. */
async function isBegun({ presence, config }: StatusPorts): Promise<boolean> {
  const { answer } = await probed('journal', presence.read(config.job), PATIENCE_MS);
  return answer !== null && answer.length > 0;
}

interface Probed<T> {
  readonly status: DependencyStatus;
  readonly answer: T | null;
  readonly problem: TidemarkError | null;
}

/** Waits for an answer no longer than the patience; null if the request itself is bounded. */
async function probed<T>(
  name: DependencyStatus['name'],
  asking: Promise<T>,
  patienceMs: number | null,
): Promise<Probed<T>> {
  const startedMs = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startedMs);
  const late = Promise.withResolvers<never>();
  const timer =
    patienceMs === null ? undefined : setTimeout(() => late.reject(silent(name, patienceMs)), patienceMs);
  try {
    const answer = await Promise.race([asking, late.promise]);
    return {
      status: { name, state: 'ok', code: null, message: null, tookMs: tookMs() },
      answer,
      problem: null,
    };
  } catch (error) {
    const problem = asTidemarkError(error, `Asking the ${name}`);
    return { status: { name, ...failed(problem), tookMs: tookMs() }, answer: null, problem };
  } finally {
    clearTimeout(timer);
  }
}

function silent(name: DependencyStatus['name'], patienceMs: number): TidemarkError {
  const message = `The ${name} did not answer within ${patienceMs / 1_000} s.`;
  switch (name) {
    case 'source':
      return new SourceFailure('unavailable', message);
    case 'journal':
      return new JournalFailure('unavailable', message);
    case 'destination':
      return new StoreFailure('unavailable', message);
  }
}

function failed({ code, message }: TidemarkError) {
  return { state: 'error', code, message } as const;
}

function journalStatus({ journal }: JobConfig, { journals }: JobKinds): Omit<JobStatus['journal'], 'id'> {
  const { place, details } = kindOf(journals, journal).describe(journal);
  return { kind: journal.type, location: details === '' ? place : `${place} ${details}` };
}

/** Surveys the topics that the job names, and those that only its journal has. */
async function surveyAll(
  { surveyor, config }: StatusPorts,
  journal: StatusJournal | null,
): Promise<readonly TopicSurvey[]> {
  const subjects = (await journal?.subjects(jobPrefix(config.job)).catch(() => [])) ?? [];
  const topics = subjects.flatMap((subject) => partitionOf(subject)?.topic ?? []);
  return surveyor.survey([...new Set(topics)]);
}

interface ReadPartition {
  readonly partition: TopicPartition;
  /** Or why it alone cannot be read. */
  readonly ledger: PartitionLedger | TidemarkError;
}

async function readPartitions(
  { answer: journal, problem }: Probed<StatusJournal>,
  { config: { job }, ledgerOf, log }: StatusPorts,
): Promise<readonly ReadPartition[]> {
  if (journal === null) throw problem ?? silent('journal', PATIENCE_MS);
  const read: ReadPartition[] = [];
  for (const subject of await journal.subjects(jobPrefix(job))) {
    const partition = partitionOf(subject);
    if (partition === null) continue;
    try {
      const known = ledgerOf?.(partition) ?? null;
      const ledger = known ?? (await replayPartition({ journal, subject, partition, log })).ledger;
      read.push({ partition, ledger });
    } catch (error) {
      const failure = asTidemarkError(error, `Reading ${subject}`);
      if (isJournalFailure(failure, 'unavailable')) throw failure;
      read.push({ partition, ledger: failure });
    }
  }
  return read;
}

interface SeenCoordinator {
  readonly record: PresenceRecord;
  readonly ageMs: number;
}

function coordinatorStatus({ record, ageMs }: SeenCoordinator): CoordinatorStatus {
  const { id, host, pid, version, startedAtMs, partitions, dependencies, conditions, omitted } = record;
  const answered = (name: DependencyStatus['name']) => {
    const { state, code, message, sinceMs } = dependencies[name];
    return { name, state, code, message, since: isoOf(sinceMs) };
  };
  return {
    ...{ id, host, pid, version, startedAt: isoOf(startedAtMs), seenMsAgo: Math.round(ageMs) },
    isLive: ageMs <= PRESENCE_STALE_MS,
    partitions: partitions.map((each) => ({ ...each, name: partitionName(each) })),
    dependencies: [answered('source'), answered('journal'), answered('destination')],
    conditions: conditions.map(({ sinceMs, ...condition }) => ({ ...condition, since: isoOf(sinceMs) })),
    omitted: { partitions: omitted.partitions, conditions: omitted.conditions },
  };
}

function isoOf(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** Combines, for each partition, what the journal, the source and the coordinators report. */
class PartitionStatuses {
  readonly #live: readonly SeenCoordinator[];
  readonly #survey: readonly TopicSurvey[] | null;

  constructor(coordinators: readonly SeenCoordinator[], survey: readonly TopicSurvey[] | null) {
    this.#live = coordinators.filter(({ ageMs }) => ageMs <= PRESENCE_STALE_MS);
    this.#survey = survey;
  }

  of(read: readonly ReadPartition[]): PartitionStatus[] {
    const known = new Set(read.map(({ partition }) => partitionName(partition)));
    const statuses = [
      ...read.map((each) => this.#known(each)),
      ...this.#unclaimed(known).map((partition) => this.#known({ partition, ledger: null })),
    ];
    return statuses.sort(byName);
  }

  /** Partitions of the job's topics that are not in the journal. */
  #unclaimed(known: ReadonlySet<string>): TopicPartition[] {
    return (this.#survey ?? []).flatMap(({ topic, partitions }) =>
      (partitions ?? [])
        .map((_, partition) => ({ topic, partition }))
        .filter((partition) => !known.has(partitionName(partition))),
    );
  }

  #known({
    partition,
    ledger,
  }: {
    readonly partition: TopicPartition;
    readonly ledger: PartitionLedger | TidemarkError | null;
  }): PartitionStatus {
    const survey = this.#surveyOf(partition);
    const owner = this.#ownerOf(partition);
    const halt = this.#haltOf(partition);
    const base = {
      ...partition,
      ...{ epoch: 0, nextOffset: 0n, lag: null, recordsRead: 0, recordsSkipped: 0, recordsBad: [] },
      ...{ stop: halt, proposals: [], refusal: null, buckets: [], committedFiles: 0 },
      owner,
      heldBack: heldBackOf(survey),
      group: null,
    };
    if (ledger === null) return { ...base, state: halt === null ? 'unclaimed' : 'halted' };
    if (ledger instanceof TidemarkError) {
      const { code, message } = ledger;
      return {
        ...base,
        state: 'unreadable',
        stop: { code, message, fromOffset: null, toOffset: null, truncation: null },
      };
    }
    const { epoch, nextOffset, recordsRead, recordsBad, stop, refusal } = ledger.facts;
    const recordsSkipped = ledger.facts.recordsSkippedNull + ledger.facts.recordsSkippedBad;
    const range = survey === null ? undefined : this.#rangesOf(partition.topic);
    return {
      ...base,
      state: halt !== null ? 'halted' : stateOf(ledger),
      ...{ epoch, nextOffset: nextOffset ?? 0n, recordsRead, recordsSkipped, recordsBad, refusal },
      lag: nextOffset === null ? null : lagOf({ partition, nextOffset }, range),
      stop: halt ?? (stop === null ? null : inCurrentCodes(stop)),
      proposals:
        halt !== null ? [{ type: 'resume', from: null, acceptLoss: false }] : proposedRequests(ledger.facts),
      group: this.#groupOf(survey),
      buckets: bucketStatuses(ledger),
      committedFiles: ledger.committedFiles,
    };
  }

  #surveyOf({ topic, partition }: TopicPartition): PartitionSurvey | null {
    return this.#rangesOf(topic)?.[partition] ?? null;
  }

  #rangesOf(topic: string): readonly PartitionSurvey[] | undefined {
    return this.#survey?.find((each) => each.topic === topic)?.partitions ?? undefined;
  }

  #ownerOf(at: TopicPartition): string | null {
    const name = partitionName(at);
    const owner = this.#live.find(({ record }) =>
      record.partitions.some((each) => partitionName(each) === name),
    );
    return owner === undefined ? null : `${owner.record.host}:${owner.record.pid}`;
  }

  /** A halt that is not in the journal. */
  #haltOf(at: TopicPartition): PartitionStatus['stop'] {
    const name = partitionName(at);
    for (const { record } of this.#live) {
      const halt = record.conditions.find(({ kind, about }) => kind === 'halted' && about === name);
      if (halt !== undefined)
        return { code: halt.code, message: halt.message, fromOffset: null, toOffset: null, truncation: null };
    }
    return null;
  }

  #groupOf(survey: PartitionSurvey | null): GroupStatus | null {
    const group = survey?.group ?? null;
    if (group === null) return null;
    const { offset, metadata } = group;
    return { offset, hasWitness: metadata.includes('"tidemark"') };
  }
}

function byName(a: PartitionStatus, b: PartitionStatus): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

/** From the journal: the work that is left. Whether a process is doing it right now is in `owner`. */
function stateOf(ledger: PartitionLedger): string {
  const { stop, epoch } = ledger.facts;
  if (stop !== null) return 'stopped';
  if (epoch === 0) return 'unclaimed';
  return ledger.buckets.size > 0 ? 'active' : 'settled';
}

/** Offsets from the last stable one on: an open transaction keeps them from every reader. */
function heldBackOf(survey: PartitionSurvey | null): bigint | null {
  if (survey === null) return null;
  const { highWatermark, endOffset } = survey;
  return highWatermark > endOffset ? highWatermark - endOffset : 0n;
}

function bucketStatuses(ledger: PartitionLedger): BucketStatus[] {
  const parts = [...ledger.parts()];
  return [...ledger.buckets].map(([bucket, state]) => ({
    bucket,
    state: state.value,
    parts: parts.filter((part) => part.context.bucket === bucket).map(partStatus),
  }));
}

function partStatus({ status, context }: PartFileView): PartStatus {
  return {
    partId: context.partId,
    state: status,
    length: context.durable?.length ?? 0,
    records: context.durable?.records ?? 0,
    firstOffset: context.durable?.firstOffset ?? null,
    lastOffset: context.durable?.lastOffset ?? null,
    finalUri: context.finalUri,
    temporaryUri: context.temporaryUri,
  };
}
