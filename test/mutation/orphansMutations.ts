/** What is wrong about an operator's `orphans --delete`. */
import { patch, type Mutation } from './mutation.ts';

const NAMES = 'src/orphans/partitionNames.ts';
const JUDGED = `yield { item, part: life, madeBy, end: life.end };`;
const MOVED = `        this.#named(this.#live.get(event.partId), event.toUri, this.#makerOf(entry));`;

export const ORPHANS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a file that is pending counts as committed for orphans',
    store: 'file',
    foundAt: 3,
    patches: [
      patch(
        NAMES,
        `      case 'partCommitted':`,
        `      case 'checkpointCompleted':
        for (const { partId, state } of event.parts) if (state === 'pending') this.#ended(partId, 'committed');
        return;
      case 'partCommitted':`,
      ),
    ],
  },
  {
    name: 'an upload that is pending counts as committed for orphans',
    store: 'oss',
    foundAt: 20,
    patches: [
      patch(
        NAMES,
        `      case 'partCommitted':`,
        `      case 'checkpointCompleted':
        for (const { partId, state } of event.parts) if (state === 'pending') this.#ended(partId, 'committed');
        return;
      case 'partCommitted':`,
      ),
    ],
  },
  {
    name: 'a file is an orphan until a checkpoint holds it',
    store: 'oss-hdfs',
    foundAt: 3,
    patches: [
      patch(
        NAMES,
        `madeBy, end: null, uploadIds: new Set() };`,
        `madeBy, end: 'discarded', uploadIds: new Set() };`,
      ),
      patch(
        NAMES,
        `      case 'partCommitted':`,
        `      case 'checkpointCompleted':
        for (const { partId } of event.parts) {
          const held = this.#live.get(partId);
          if (held !== undefined) held.end = null;
        }
        return;
      case 'partCommitted':`,
      ),
    ],
  },
  {
    name: 'a name from which a file is moved is an orphan at once',
    store: 'oss-hdfs',
    foundAt: 79,
    patches: [
      patch(
        NAMES,
        MOVED,
        `${MOVED}
        for (const item of this.#listed.ofName(event.fromUri)) {
          const moved = this.#live.get(event.partId);
          if (moved !== undefined)
            this.#byItem.set(item, { life: { ...moved, end: 'discarded' }, madeBy: moved.madeBy });
        }`,
      ),
    ],
  },
  {
    name: 'names to which files are moved are not known to orphans',
    store: 'file',
    schedule: 'a-copy-that-is-made-too-late',
    patches: [patch(NAMES, MOVED, ``)],
  },
  {
    name: 'side objects of files in progress are orphans',
    store: 'oss',
    foundAt: 8,
    patches: [
      patch(
        NAMES,
        JUDGED,
        `yield { item, part: life, madeBy, end: item.kind === 'sideObject' ? 'discarded' : life.end };`,
      ),
    ],
  },
  {
    name: 'an upload whose id is not journaled is an orphan',
    store: 'oss',
    foundAt: 65,
    patches: [
      patch(
        NAMES,
        `  const mayBeNeeded = own === undefined && lives.some((life) => mayGoOn(life, position));
  return { item, part, madeBy: part.madeBy, end: mayBeNeeded ? null : part.end };`,
        `  return { item, part, madeBy: part.madeBy, end: own === undefined ? 'discarded' : part.end };`,
      ),
    ],
  },
  {
    name: 'uploads that nobody can complete are left',
    store: 'oss',
    foundAt: 21,
    patches: [
      patch(NAMES, `  if (end === 'committed' || generation < position.generation) return false;\n`, ``),
      patch(NAMES, `position.nextOffset <= firstOffset`, `position.nextOffset >= firstOffset`),
    ],
  },
];
