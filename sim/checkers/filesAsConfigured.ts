/**
 * P7: each record lies where the configuration of its reader puts it, under a name of that configuration; and
 * no file grows larger than that allows. A file is judged by the job file of its opener, a record by that of
 * its reader: processes may run with different ones.
 */
import { finalUri, folderOf, isFolderOf, type NamingRule } from '../../actors/naming.ts';
import { BAD_BUCKET } from '../../src/formats/bad/badLine.ts';
import { ExpectedBuckets } from '../job/buckets.ts';
import { bucketOfRecord, contentOf, isInRows, partFormatOf } from '../job/content.ts';
import { lifeConfig, NO_CHANGE, type LifeConfig } from '../job/change.ts';
import type { Violation } from '../schedule.ts';
import { namingOf } from '../job/settings.ts';
import { linesOf, listed, parseValue, violation, type Facts } from './facts.ts';
import { readJournal, type CheckpointView, type PartitionView, type PartView } from './journalView.ts';

export function checkP7(trace: Facts): Violation[] {
  const lives = new ConfigsOfClaims(trace);
  return [...readJournal(trace.journal).values()].flatMap((view) => [
    ...misnamed(view, lives),
    ...overgrown(view, lives),
    ...misplaced(view, trace, lives),
  ]);
}

/** The configuration of each claimer, by the claim's id. */
class ConfigsOfClaims {
  readonly #trace: Facts;
  readonly #byProcess = new Map<string, LifeConfig>();

  constructor(trace: Facts) {
    this.#trace = trace;
    for (const { process, change } of trace.lives)
      this.#byProcess.set(process, lifeConfig(trace.schedule.config, change));
  }

  of(claimId: string): LifeConfig {
    const { claimants, schedule } = this.#trace;
    return this.#byProcess.get(claimants[claimId] ?? '') ?? lifeConfig(schedule.config, NO_CHANGE);
  }
}

/** Files of bad records have the suffix of their own format. */
function namingFor(config: LifeConfig, bucket: string): NamingRule {
  const { codec } = partFormatOf(config);
  const naming = namingOf(config);
  return bucket === BAD_BUCKET ? { ...naming, suffix: `.json${codec?.suffix ?? ''}` } : naming;
}

/** Whether the configuration gives the file its name, for records of this bucket. */
function isNamedBy(config: LifeConfig, view: PartitionView, part: PartView, bucket: string): boolean {
  const naming = namingFor(config, bucket);
  const folder = folderOf(part.finalUri);
  const at = { topic: view.topic, partition: view.partition };
  return (
    isFolderOf(naming, bucket, folder) &&
    part.finalUri === finalUri(naming, folder, at, BigInt(part.firstOffset), part.generation, part.repair)
  );
}

function misnamed(view: PartitionView, lives: ConfigsOfClaims): Violation[] {
  return [...view.parts.values()].flatMap((part) => {
    if (isNamedBy(lives.of(part.claimId), view, part, part.bucket)) return [];
    const text =
      `${part.finalUri} was opened under a name that the configuration of its opener does not ` +
      `give for "${part.bucket}"`;
    return [violation('P7', text, { partition: view.partition, files: [part.finalUri] })];
  });
}

/**
 * A file that grew in a checkpoint and stays in progress is below the limits: full ones are closed. None
 * holds more records than their limit.
 */
function overgrown({ partition, checkpoints, parts }: PartitionView, lives: ConfigsOfClaims): Violation[] {
  return checkpoints.flatMap(({ number, atMs, claimId, grown }) => {
    const config = lives.of(claimId);
    const { roll } = config;
    const content = contentOf(config);
    // The length of a compressed file is known only once its last frame is written, that of rows with their
    // group.
    const isKnown = content.codec === 'none' && !isInRows(content);
    const bytesMost = roll.atCheckpoint ? 0 : isKnown ? roll.maxBytes : Infinity;
    const recordsMost = roll.maxRecords ?? Infinity;
    return grown.flatMap(({ partId, isOpen, lengthBytes, records }) => {
      const uri = parts.get(partId)?.finalUri ?? partId;
      const isOver = isOpen && (lengthBytes >= bytesMost || records >= recordsMost);
      if (!isOver && records <= recordsMost) return [];
      const text =
        `checkpoint ${number} at ${atMs} ms leaves ${uri} ${isOpen ? 'in progress' : 'closed'} with ` +
        `${lengthBytes} bytes and ${records} records, where it is to be closed at ` +
        `${bytesMost} bytes or ${recordsMost} records`;
      return [violation('P7', text, { partition, files: [uri] })];
    });
  });
}

/**
 * Checks records whose reader the journal names; not if the journal went back, or if there was another log.
 */
function misplaced(view: PartitionView, trace: Facts, lives: ConfigsOfClaims): Violation[] {
  const { partition, checkpoints, parts } = view;
  const isOne =
    (trace.earlier[partition] ?? []).length === 0 && !trace.harms.some(({ type }) => OTHERS.includes(type));
  if (!isOne) return [];
  const times = new Map(trace.recordTimes[partition]);
  const records = new Map((trace.expected[partition] ?? []).map((record) => [Number(record.offset), record]));
  const byName = new Map([...parts.values()].map((part) => [part.finalUri, part]));
  return trace.visible.flatMap(({ uri, type, content }) => {
    const part = byName.get(uri);
    if (part === undefined || type !== 'appeared' || content === null) return [];
    const wrong = linesOf(content).lines.flatMap((line) => {
      const offset = parseValue(line)?.offset ?? -1;
      const reader = readerOf(checkpoints, offset, part.repair);
      if (reader === undefined) return [];
      const config = lives.of(reader.claimId);
      const byTime = bucketOf(config, offset, times.get(offset), part);
      const hasValue = records.get(offset)?.hasValue ?? true;
      return isNamedBy(config, view, part, bucketOfRecord(config, { offset, hasValue }, byTime))
        ? []
        : [String(offset)];
    });
    if (wrong.length === 0) return [];
    const text =
      `${uri} holds ${listed(wrong)} of partition ${partition}, which the configuration that read ` +
      'them puts elsewhere';
    return [violation('P7', text, { partition, offsets: wrong, files: [uri] })];
  });
}

/** After these the meaning of offsets, or the valid checkpoint, cannot be derived from offsets alone. */
const OTHERS: readonly string[] = ['journalBack', 'replaceTopic'];

/** Of a record in a file that was opened in a repair: whoever has read it again. */
function readerOf(
  checkpoints: readonly CheckpointView[],
  offset: number,
  repair: number,
): CheckpointView | undefined {
  return checkpoints.find(
    ({ fromOffset, nextOffset, repairs }) => repairs >= repair && fromOffset <= offset && offset < nextOffset,
  );
}

/** With the wall clock only the reader knows the bucket, so its value is trusted. */
function bucketOf(
  { buckets }: LifeConfig,
  offset: number,
  timestampMs: number | undefined,
  { bucket }: PartView,
): string {
  if (buckets.by === 'none') return '';
  if (buckets.by === 'wall-clock' || timestampMs === undefined) return bucket;
  const key = JSON.stringify(buckets);
  const rule = rules.get(key) ?? new ExpectedBuckets(buckets);
  rules.set(key, rule);
  return rule.bucketAt({ timestampMs, offset });
}

/** Patterns are few, and slow to parse. */
const rules = new Map<string, ExpectedBuckets>();
