/**
 * What a rolled-back journal holds of files in progress. Their temporary files may have been published since,
 * or moved to names that it does not know. They are found by their bytes, and kept as closed copies under new
 * names.
 */
import { folderOf, temporaryUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from './decisionLane.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { EventOf, PartChange } from '../../journal/events.ts';
import type { Salvage } from '../stores/port.ts';
import type { Context } from '../job/options.ts';

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
}

/** How one file is continued: as it is, as what was published of it, or from a copy. */
type Way =
  | { readonly type: 'asItIs' | 'missing' }
  | { readonly type: 'published'; readonly durable: DurableFacts }
  | { readonly type: 'copy'; readonly uri: string };

/** One file at a time: this is rare, and may read large files. A repeated call finds its earlier copies. */
export async function keepAll(keeping: Keeping, from: 'journal' | 'witness'): Promise<Kept> {
  const moves: Omit<EventOf<'partMoved'>, 'type'>[] = [];
  const changes: PartChange[] = [];
  const missing: string[] = [];
  const atMs = Math.max(0, Math.floor(keeping.context.ports.clock.wallMs()));
  for (const { status, context: part } of keeping.host.ledger.parts()) {
    const { durable, partId, temporaryUri: fromUri } = part;
    if (durable === null || (status !== 'inProgress' && status !== 'pending')) continue;
    const way = await wayOf(keeping, part, durable, { from, isPending: status === 'pending' });
    if (way.type === 'missing') missing.push(part.finalUri);
    if (way.type === 'copy') moves.push({ partId, fromUri, toUri: way.uri });
    if (way.type !== 'copy' && way.type !== 'published') continue;
    const facts = way.type === 'published' ? way.durable : durable;
    changes.push({ ...facts, handle: null, partId, state: 'pending', roll: { reason: 'recovery', atMs } });
  }
  return { moves, changes, missing };
}

async function wayOf(
  { context, salvage }: Keeping,
  part: PartFileContext,
  durable: DurableFacts,
  { from, isPending }: { readonly from: 'journal' | 'witness'; readonly isPending: boolean },
): Promise<Way> {
  const final = await salvage.compare(part.finalUri, durable);
  const isWhole = final?.holds === true && final.length === durable.length;
  if (isWhole) return isPending ? { type: 'asItIs' } : { type: 'published', durable };
  if (final?.holds === true && from === 'witness')
    return { type: 'published', durable: { ...durable, length: final.length, crc64: final.crc64 } };
  if (await standsAnywhere(salvage, [part.temporaryUri, ...part.staleUris])) return { type: 'asItIs' };
  // A closed file has no other copies. If it was published, it can be put back.
  if (isPending) return { type: 'missing' };
  const folder = folderOf(part.temporaryUri);
  const own = `${temporaryUri(folder, part.partId)}-kept-`;
  const beside = await salvage.hidden(folder);
  for (const uri of beside.filter((one) => one.startsWith(own))) {
    const copy = await salvage.compare(uri, durable);
    if (copy?.holds === true && copy.length === durable.length) return { type: 'copy', uri };
  }
  const sources = final?.holds === true ? [part.finalUri] : beside.filter((one) => !one.startsWith(own));
  for (const source of sources) {
    if ((await salvage.compare(source, durable))?.holds !== true) continue;
    const uri = `${own}${context.ports.random.hexId()}`;
    await salvage.copy(source, durable, uri);
    return { type: 'copy', uri };
  }
  return { type: 'missing' };
}

async function standsAnywhere(salvage: Salvage, uris: readonly string[]): Promise<boolean> {
  for (const uri of uris) if (await salvage.stands(uri)) return true;
  return false;
}
