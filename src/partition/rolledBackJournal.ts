/**
 * A rolled-back journal, and its two answers. `from journal`: continue from what it holds and read the rest
 * again, after the files that it does not know are moved away. This loses nothing. `from witness`: continue
 * at the witness's offset, and give up what is in no committed file of the range between. Both keep what the
 * journal holds of files in progress: their temporary files may have been published since, or moved to names
 * that it does not know.
 */
import { markerFolderUri } from '../../actors/naming.ts';
import { OwnNames } from '../../actors/ownNames.ts';
import type { PartitionContext } from '../../actors/partition.ts';
import type { EventOf, WitnessedEntry } from '../../journal/events.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { replay } from '../../journal/replay.ts';
import { witnessError } from '../../journal/witness.ts';
import type { StoreReading } from '../stores/reading.ts';
import { inPieces, journalPieces, SHARE_OF_ENTRY, type LastPiece } from './checkpointPieces.ts';
import { findCut, type JumpingOver } from './cutLog.ts';
import { checkpointBehind, jumpTo, type Jump } from './jump.ts';
import type { Context } from '../job/context.ts';
import { readJobFacts } from '../job/jobLife.ts';
import type { Judgement } from './judgeWitness.ts';
import { keepAll, verdictOn, type Kept } from './rolledBackParts.ts';
import { formatNames } from '../telemetry/format.ts';

/** What an event takes besides its fields. */
const MOVE_BYTES = 64;
const FIELDS_MAX = 1_000;

export interface WentBack extends JumpingOver {
  readonly disagreeing: Judgement['disagreeing'];
}

export interface Answer {
  readonly from: 'journal' | 'witness';
  readonly acceptLoss: boolean;
}

/** Why an answer was refused; null if it was journaled. */
export type Refusal = string | null;

/** The error that stops the partition. Names the offsets and files concerned, and the possible answers. */
export async function wentBackError(wentBack: WentBack): Promise<TidemarkError> {
  const { context, partition, claim, disagreeing } = wentBack;
  const [newest] = disagreeing;
  if (newest === undefined) throw new TidemarkError('INTERNAL', 'No witness disagrees.');
  const error = witnessError(newest.verdict, newest, partitionName(partition));
  if (error === null) throw new TidemarkError('INTERNAL', 'The witness agrees.');
  const { salvage } = context.ports.store;
  if (newest.verdict === 'other-journal' || salvage === undefined) return error;
  const fromOffset = claim.host.ledger.facts.nextOffset;
  const toOffset = witnessedOffset(wentBack);
  const files = await unknownFiles(wentBack);
  const range =
    toOffset === null
      ? `The journal continues at offset ${fromOffset ?? 0n}; how far it was is not known.`
      : `The offsets [${fromOffset ?? 0n}, ${toOffset}) would be read again.`;
  const strangers =
    files.length === 0
      ? 'No committed file is there that it does not know.'
      : `It does not know, or holds as unfinished: ${formatNames(files)}.`;
  const name = partitionName(partition);
  const advice =
    `Restore the newest journal. Where there is none: "resume --partition ${name} --from-journal" keeps ` +
    'what it needs of these files, has them moved away and reads those offsets again; "resume ' +
    '--from-witness --accept-loss" continues behind them and gives up what of them is in no committed file.';
  return new JournalFailure(error.problem, `${error.message} ${range} ${strangers} ${advice}`, {
    fields: error.fields,
    affected: { fromOffset, toOffset, files: files.slice(0, FIELDS_MAX) },
  });
}

/** Journals the operator's answer, or resolves with why not. Rejects as the store and the journal do. */
export async function answer(wentBack: WentBack, requestId: number, asked: Answer): Promise<Refusal> {
  const { context, claim, disagreeing } = wentBack;
  const { salvage } = context.ports.store;
  if (salvage === undefined || disagreeing.some(({ verdict }) => verdict === 'other-journal'))
    return 'Another journal wrote to the group or the destination: point the job at that one.';
  const fromOffset = claim.host.ledger.facts.nextOffset ?? 0n;
  const toOffset = witnessedOffset(wentBack);
  if (asked.from === 'witness') {
    const refusal = whyNotFromWitness(fromOffset, toOffset, asked.acceptLoss);
    if (refusal !== null) return refusal;
    const cut = await findCut(wentBack);
    if (cut !== null) return alsoCut(cut);
  }
  const isLoss = asked.from === 'witness' && toOffset !== null && toOffset > fromOffset;
  const jump = isLoss ? await jumpOver(wentBack, toOffset) : null;
  if (typeof jump === 'string') return jump;
  const kept = await keepAll({ context, host: claim.host, salvage }, asked.from);
  if (kept.missing.length > 0) {
    return (
      `The journal holds the beginning of ${formatNames(kept.missing)}, and it is nowhere: put the files ` +
      'back under these names, then ask again; what is needed of them is kept before they are to be ' +
      'moved away.'
    );
  }
  if (kept.rowsMissing.length > 0) {
    return (
      'Rows that the journal counts are in files of which some are gone: ' +
      `${formatNames(kept.rowsMissing)}. Put them back under these hidden names, or restore the newest ` +
      'journal.'
    );
  }
  if (kept.rowsPublished.length > 0) {
    return (
      `The journal holds the first rows of ${formatNames(kept.rowsPublished)}, which were published since: ` +
      'a Parquet file cannot be cut there. Restore the newest journal, or answer with --from-witness.'
    );
  }
  if (asked.from === 'journal') {
    const files = await unknownFiles(wentBack);
    if (files.length > 0) return toBeMovedAway(files);
  }
  const journaled = await journalAhead(wentBack, kept);
  await claim.host.submit((stage) => [
    {
      type: 'witnessAnswered',
      requestId,
      answer: `from-${asked.from}`,
      witnesses: answered(wentBack, stage.facts.answered),
      loss: jump === null ? null : { fromOffset, toOffset: jump.nextOffset },
    },
    ...journaled.moves.map(partMoved),
    ...(jump === null && kept.changes.length === 0
      ? []
      : checkpointBehind(jump ?? cursorOf(stage.facts), stage.facts, journaled)),
  ]);
  return null;
}

/**
 * Journals what the answer's own entry has no room for, and returns the rest. If the answer does not follow,
 * moves are true without it, and pieces of a checkpoint are void.
 */
async function journalAhead(
  { context, claim: { host } }: WentBack,
  kept: Pick<Kept, 'moves' | 'changes'>,
): Promise<{ readonly moves: Kept['moves'] } & LastPiece> {
  const bytesMax = context.ports.journal.entryBytesMax * SHARE_OF_ENTRY;
  const moves = inPieces(kept.moves, bytesMax, bytesOfMove);
  const movesLeft = moves.pop() ?? [];
  for (const piece of moves) await host.submit(() => piece.map(partMoved));
  const last = await journalPieces(host, host.ledger.facts.checkpoint + 1, kept.changes, bytesMax);
  return { ...last, moves: movesLeft };
}

const bytesOfMove = (move: Kept['moves'][number]): number =>
  MOVE_BYTES + Buffer.byteLength(JSON.stringify(move));

const partMoved = (move: Kept['moves'][number]): EventOf<'partMoved'> => ({ type: 'partMoved', ...move });

function toBeMovedAway(files: readonly string[]): string {
  return (
    `Move these files away from the destination, then ask again: ${formatNames(files)}. Their records are ` +
    'read again. So are those of files that a reader has moved away already. If one of these ' +
    'belongs to another job, answer with --from-witness.'
  );
}

/** A partition that is to be retired is not read again, wherever it is. */
async function jumpOver({ context, partition, purpose }: WentBack, toOffset: bigint): Promise<Jump | string> {
  if (purpose === 'retire') return { nextOffset: toOffset, below: null };
  return jumpTo(context.ports.source, partition, toOffset);
}

/** Without a jump the cursor stays: its leader epoch detects whether the source's log was truncated, too. */
function cursorOf(facts: PartitionContext): Jump {
  const { nextOffset, leaderEpoch, leaderEpochStart } = facts;
  const isKnown = leaderEpoch !== null && leaderEpochStart !== null;
  const below = isKnown ? { epoch: leaderEpoch, startOffset: leaderEpochStart } : null;
  return { nextOffset: nextOffset ?? 0n, below };
}

function whyNotFromWitness(fromOffset: bigint, toOffset: bigint | null, acceptLoss: boolean): Refusal {
  if (toOffset === null) return 'The witness does not tell an offset: answer with --from-journal.';
  if (toOffset < fromOffset)
    return (
      `The journal is at offset ${fromOffset}, behind the witness's ${toOffset}: answer with ` +
      '--from-journal.'
    );
  if (acceptLoss || toOffset === fromOffset) return null;
  return (
    `This continues at offset ${toOffset} and gives up what of [${fromOffset}, ${toOffset}) is in no ` +
    'committed file. If that is meant, ask again with --accept-loss; --from-journal loses nothing.'
  );
}

/** After the jump, what the log lost before it would not be detected. */
function alsoCut({ message }: Error): string {
  return (
    'The log of the source went back, too, which is to be answered first: answer with --from-journal, then ' +
    `see \`tidemark status\`. ${message}`
  );
}

/** The witnesses of this answer, and of earlier answers: they may still exist. */
function answered({ disagreeing }: WentBack, before: readonly WitnessedEntry[]): WitnessedEntry[] {
  const now = disagreeing.map(({ source, journalId, seq, hash }) => ({ source, journalId, seq, hash }));
  return [...before, ...now];
}

function witnessedOffset({ disagreeing }: WentBack): bigint | null {
  const offsets = disagreeing.flatMap(({ nextOffset }) => nextOffset ?? []);
  return offsets.length === 0 ? null : offsets.reduce((most, next) => (next > most ? next : most));
}

/** Committed files of the partition that the journal neither has committed nor will commit as they are. */
async function unknownFiles(wentBack: WentBack): Promise<readonly string[]> {
  const { context, claim } = wentBack;
  const { reading } = context.ports.store;
  const found = await visibleFiles(wentBack, reading);
  const committed = found.length === 0 ? new Set<string>() : await committedUris(wentBack);
  const unfinished = new Map(
    [...claim.host.ledger.parts()].map(({ context: part }) => [part.finalUri, part]),
  );
  const unknown: string[] = [];
  for (const uri of found.filter((one) => !committed.has(one)).toSorted()) {
    const durable = unfinished.get(uri)?.durable ?? null;
    if (durable === null || (await verdictOn(reading, uri, durable)).type !== 'same') unknown.push(uri);
  }
  return unknown;
}

async function visibleFiles({ context, partition }: WentBack, reading: StoreReading): Promise<string[]> {
  const names = await namesOf(context, partition);
  const found: string[] = [];
  for await (const files of reading.list(markerFolderUri(context.settings.naming))) {
    for (const { uri, kind } of files) {
      if (kind === 'visible' && names.mayBeOf(uri, partition)) found.push(uri);
    }
  }
  return found;
}

/** By the prefix of now and those of every start in the journal, and the topics of both. */
async function namesOf(context: Context, { topic }: TopicPartition): Promise<OwnNames> {
  const { naming } = context.settings;
  const { facts } = await readJobFacts(context);
  return new OwnNames([naming.prefix, ...facts.prefixes], [topic, ...facts.topics.keys()]);
}

/** Read from the partition's whole journal: its state forgets committed files. */
async function committedUris({ context, partition }: WentBack): Promise<ReadonlySet<string>> {
  const uris = new Map<string, string>();
  const committed = new Set<string>();
  const subject = partitionSubject(context.settings.job, partition);
  for await (const { entry } of replay(context.ports.journal, subject)) {
    for (const event of entry.events) {
      if (event.type === 'partOpened') uris.set(event.partId, event.finalUri);
      if (event.type === 'partCommitted') committed.add(uris.get(event.partId) ?? '');
    }
  }
  return committed;
}
