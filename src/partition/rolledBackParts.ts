/**
 * What a rolled-back journal holds of files in progress. Their temporary files may have been published since,
 * or moved to names that it does not know. They are found by their bytes, and kept as closed copies under new
 * names.
 */
import { folderOf, rowsUri, temporaryUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { EventOf, PartChange } from '../../journal/events.ts';
import { Crc64, crc64Of } from '../../kernels/crc64.ts';
import { MAGIC } from '../formats/parquet/metadata.ts';
import type { Salvage } from '../stores/port.ts';
import type { ContentVerdict, StoreReading, VerifyOptions } from '../stores/reading.ts';
import { isBeingWritten } from '../stores/storedContent.ts';
import { rowsOf } from '../writing/rowsHandle.ts';
import type { Context } from '../job/context.ts';

const NOTHING = { length: 0, crc64: crc64Of(new Uint8Array()) };

export interface Keeping {
  readonly context: Context;
  readonly host: PartitionHost;
  readonly salvage: Salvage;
}

export interface Kept {
  readonly moves: readonly Omit<EventOf<'partMoved'>, 'type'>[];
  readonly changes: readonly PartChange[];
  /** Final names of files whose bytes were found nowhere. */
  readonly missing: readonly string[];
  /** Final names of published files that begin with rows which the journal knows, and cannot be cut there. */
  readonly rowsPublished: readonly string[];
  /** Temporary names of files and rows files of which one is gone. */
  readonly rowsMissing: readonly string[];
}

/** How one file is continued: as it is, as what was published of it, or from a copy. */
type Way =
  | { readonly type: 'asItIs' | 'missing' | 'rowsPublished' | 'rowsMissing' }
  | { readonly type: 'published'; readonly durable: DurableFacts }
  | { readonly type: 'copy'; readonly uri: string };

/** One file at a time: this is rare, and may read large files. A repeated call finds its earlier copies. */
export async function keepAll(keeping: Keeping, from: 'journal' | 'witness'): Promise<Kept> {
  const moves: Omit<EventOf<'partMoved'>, 'type'>[] = [];
  const changes: PartChange[] = [];
  const missing: string[] = [];
  const rowsPublished: string[] = [];
  const rowsMissing: string[] = [];
  const atMs = Math.max(0, Math.floor(keeping.context.ports.clock.wallMs()));
  for (const { status, context: part } of keeping.host.ledger.parts()) {
    const { durable, partId, temporaryUri: fromUri } = part;
    if (durable === null || (status !== 'inProgress' && status !== 'pending')) continue;
    const way = await wayOf(keeping, part, durable, { from, isPending: status === 'pending' });
    if (way.type === 'missing') missing.push(part.finalUri);
    if (way.type === 'rowsPublished') rowsPublished.push(part.finalUri);
    if (way.type === 'rowsMissing') rowsMissing.push(fromUri, rowsUri(fromUri));
    if (way.type === 'copy') moves.push({ partId, fromUri, toUri: way.uri });
    if (way.type !== 'copy' && way.type !== 'published') continue;
    const facts = way.type === 'published' ? way.durable : durable;
    changes.push({ ...facts, handle: null, partId, state: 'pending', roll: { reason: 'recovery', atMs } });
  }
  return { moves, changes, missing, rowsPublished, rowsMissing };
}

async function wayOf(
  keeping: Keeping,
  part: PartFileContext,
  durable: DurableFacts,
  { from, isPending }: { readonly from: 'journal' | 'witness'; readonly isPending: boolean },
): Promise<Way> {
  const { reading } = keeping.context.ports.store;
  if (rowsOf(durable) !== null) return wayOfRows(keeping, part, durable, from);
  const final = await verdictOn(reading, part.finalUri, durable);
  if (final.type === 'same') return isPending ? { type: 'asItIs' } : { type: 'published', durable };
  // More of it was published.
  const isBegun = final.type === 'differs' && (await begins(reading, part.finalUri, durable));
  if (isBegun && from === 'witness')
    return { type: 'published', durable: { ...durable, ...(await wholeOf(reading, part.finalUri)) } };
  // A copy of before an answer that was not journaled to its end is found below, and counted this time.
  const names = [part.temporaryUri, ...part.staleUris];
  const itsOwn = isPending ? names : names.filter((uri) => !uri.startsWith(keptPrefix(part)));
  if (await isAnywhere(reading, itsOwn)) return { type: 'asItIs' };
  // A closed file has no other copies. If it was published, it can be put back.
  return isPending ? { type: 'missing' } : copyOf(keeping, part, durable, isBegun);
}

/**
 * Of a file in progress that holds rows. Its last ones are in its rows file alone, or in the file that was
 * published, which cannot be cut after them.
 */
async function wayOfRows(
  { context }: Keeping,
  part: PartFileContext,
  durable: DurableFacts,
  from: 'journal' | 'witness',
): Promise<Way> {
  const { reading } = context.ports.store;
  const published = await wholeRows(reading, part.finalUri, durable);
  if (published !== null)
    return from === 'witness'
      ? { type: 'published', durable: { ...durable, ...published } }
      : { type: 'rowsPublished' };
  const names = [part.temporaryUri, ...part.staleUris];
  const isThere = await isAnywhere(reading, names);
  return {
    type: isThere && (await isAnywhere(reading, [rowsUri(part.temporaryUri)])) ? 'asItIs' : 'rowsMissing',
  };
}

/** Length and CRC of the published file, if it begins with the journaled bytes and has an end; else null. */
async function wholeRows(
  reading: StoreReading,
  uri: string,
  durable: DurableFacts,
): Promise<Pick<DurableFacts, 'length' | 'crc64'> | null> {
  if (!(await begins(reading, uri, durable))) return null;
  const whole = await wholeOf(reading, uri);
  return whole.length > durable.length && (await isWholeParquet(reading, uri, whole.length)) ? whole : null;
}

/** Whether it begins and ends as a Parquet file does: one that is torn has no end. */
async function isWholeParquet(reading: StoreReading, uri: string, length: number): Promise<boolean> {
  const ends: Buffer[] = [];
  for (const from of [0, length - MAGIC.length]) {
    const range = { from: Math.max(0, from), to: Math.min(length, Math.max(0, from) + MAGIC.length) };
    const pieces: Buffer[] = [];
    for await (const chunk of reading.read(uri, undefined, range)) pieces.push(Buffer.from(chunk));
    ends.push(Buffer.concat(pieces));
  }
  return ends.every((end) => end.equals(MAGIC));
}

/** How the names of its copies begin. */
const keptPrefix = ({ temporaryUri: uri, partId }: PartFileContext): string =>
  `${temporaryUri(folderOf(uri), partId)}-kept-`;

/** An earlier copy, or a new one of whichever file begins with the bytes. */
async function copyOf(
  { context, salvage }: Keeping,
  part: PartFileContext,
  durable: DurableFacts,
  isBegun: boolean,
): Promise<Way> {
  const { reading } = context.ports.store;
  const own = keptPrefix(part);
  const beside = await temporaryFiles(reading, folderOf(part.temporaryUri));
  for (const uri of beside.filter((one) => one.startsWith(own)))
    if ((await verdictOn(reading, uri, durable)).type === 'same') return { type: 'copy', uri };
  const sources = isBegun ? [part.finalUri] : beside.filter((one) => !one.startsWith(own));
  for (const source of sources) {
    if (!(await begins(reading, source, durable))) continue;
    const uri = `${own}${context.ports.random.hexId()}`;
    await salvage.copy(source, durable, uri);
    return { type: 'copy', uri };
  }
  return { type: 'missing' };
}

/** A file that its writer keeps from being read is none of those that are looked for. */
export async function verdictOn(
  reading: StoreReading,
  uri: string,
  durable: DurableFacts,
  options: VerifyOptions = {},
): Promise<ContentVerdict> {
  try {
    return await reading.verify(uri, durable, options);
  } catch (error) {
    if (isBeingWritten(error)) return { type: 'missing' };
    throw error;
  }
}

async function begins(reading: StoreReading, uri: string, durable: DurableFacts): Promise<boolean> {
  return (await verdictOn(reading, uri, durable, { prefix: true })).type === 'same';
}

async function wholeOf(reading: StoreReading, uri: string): Promise<Pick<DurableFacts, 'length' | 'crc64'>> {
  const crc = new Crc64();
  let length = 0;
  for await (const chunk of reading.read(uri)) {
    crc.update(chunk);
    length += chunk.length;
  }
  return { length, crc64: crc.hex() };
}

/** In the folder itself. */
async function temporaryFiles(reading: StoreReading, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const files of reading.list(folder)) {
    for (const { uri, kind } of files) if (kind === 'temporary' && folderOf(uri) === folder) found.push(uri);
  }
  return found.toSorted();
}

async function isAnywhere(reading: StoreReading, uris: readonly string[]): Promise<boolean> {
  for (const uri of uris) if (await stands(reading, uri)) return true;
  return false;
}

/** Every file begins with nothing. */
async function stands(reading: StoreReading, uri: string): Promise<boolean> {
  try {
    return (await reading.verify(uri, NOTHING, { prefix: true })).type !== 'missing';
  } catch (error) {
    if (isBeingWritten(error)) return true;
    throw error;
  }
}
