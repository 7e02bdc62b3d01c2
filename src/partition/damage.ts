/**
 * Which part files of a stopped partition are damaged: their checkpointed bytes are under none of the names
 * that the journal knows. Only looks; nothing at the destination is changed.
 */
import { rowsUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartFileView, PartitionLedger } from '../../actors/ledger.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import { isBeingWritten } from '../stores/storedContent.ts';
import type { ContentVerdict } from '../stores/reading.ts';
import type { Store } from '../stores/port.ts';
import type { Clock } from '../system/clock.ts';
import { rowsOf, withoutRows } from '../writing/rowsHandle.ts';

/** A name may be moved, or appear, a moment later: a file is missing after so many looks at all its names. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 200;

export interface Damage {
  readonly damaged: readonly PartFileContext[];
  /** Closed files that are gone: they may have been published, and taken away. They are damaged, too. */
  readonly gone: readonly string[];
  /** Final names of closed files that are gone, where other bytes are. */
  readonly foreign: readonly string[];
}

type State = 'whole' | 'damaged' | 'gone' | 'foreign';

/** Rejects with STORE_UNAVAILABLE and others if the destination does not tell. */
export async function findDamage(store: Store, clock: Clock, ledger: PartitionLedger): Promise<Damage> {
  const damaged: PartFileContext[] = [];
  const gone: string[] = [];
  const foreign: string[] = [];
  // One at a time: this is rare, and may read large files.
  for (const view of ledger.parts()) {
    const state = await stateOf(store, clock, view);
    if (state === 'foreign') foreign.push(view.context.finalUri);
    if (state === 'gone') gone.push(view.context.finalUri);
    if (state === 'damaged' || state === 'gone') damaged.push(view.context);
  }
  return { damaged, gone, foreign };
}

async function stateOf(store: Store, clock: Clock, { status, context }: PartFileView): Promise<State> {
  const { durable } = context;
  if (durable === null || (status !== 'inProgress' && status !== 'pending')) return 'whole';
  for (let look = 1; ; look += 1) {
    const state = await (status === 'pending' ? closed : inProgress)(store, context, durable);
    if (state === 'whole' || look === LOOKS) return state;
    await clock.pause(LOOK_AGAIN_MS);
  }
}

async function closed(store: Store, part: PartFileContext, durable: DurableFacts): Promise<State> {
  // It is published from its last name alone, and only with exactly these bytes.
  const temporary = await verdictOnTemporary(store, part, durable, {
    names: [part.temporaryUri],
    prefix: false,
  });
  if (temporary === 'same') return 'whole';
  const final = (await verdict(() => store.reading.verify(part.finalUri, durable))).type;
  if (final === 'same') return 'whole';
  if (final === 'differs') return 'foreign';
  return temporary === 'differs' ? 'damaged' : 'gone';
}

async function inProgress(store: Store, part: PartFileContext, durable: DurableFacts): Promise<State> {
  const looked = { names: namesOf(store, part), prefix: true };
  if ((await verdictOnTemporary(store, part, durable, looked)) !== 'same') return 'damaged';
  const rows = rowsOf(durable);
  if (rows === null) return 'whole';
  const { type } = await verdict(() =>
    store.reading.verify(rowsUri(part.temporaryUri), rows, { prefix: true }),
  );
  return type === 'same' ? 'whole' : 'damaged';
}

/** Of the names that may hold it: `same` if one does. */
async function verdictOnTemporary(
  store: Store,
  part: PartFileContext,
  durable: DurableFacts,
  { names, prefix }: { readonly names: readonly string[]; readonly prefix: boolean },
): Promise<ContentVerdict['type']> {
  const expected = withoutRows(durable);
  const { unpublished, reading } = store;
  if (unpublished !== undefined) return (await verdict(() => unpublished.verify(part, expected))).type;
  let found: ContentVerdict['type'] = 'missing';
  for (const uri of names) {
    const { type } = await verdict(() => reading.verify(uri, expected, { prefix }));
    if (type === 'same') return 'same';
    if (type === 'differs') found = 'differs';
  }
  return found;
}

/** A store that moves a file may have it under any of its names; of others, only one counts. */
function namesOf(store: Store, { temporaryUri, copyUri, staleUris }: PartFileContext): readonly string[] {
  if (store.takeover.type === 'finish') return [temporaryUri];
  return [temporaryUri, ...(copyUri === null ? [] : [copyUri]), ...staleUris];
}

/** What is being written cannot be read: it stands. If it is damaged, the takeover finds that. */
async function verdict(look: () => Promise<ContentVerdict>): Promise<ContentVerdict> {
  try {
    return await look();
  } catch (error) {
    if (isBeingWritten(error)) return { type: 'same' };
    throw error;
  }
}
