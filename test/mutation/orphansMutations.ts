/** What is wrong about an operator's `orphans --delete`. */
import { patch, type Mutation } from './mutation.ts';

const NAMES = 'src/orphans/partitionNames.ts';
const FIND = 'src/orphans/findOrphans.ts';
const JUDGED = `      yield { item, part: life, madeBy, end: life.end };`;
const MOVED = `        this.#named(this.#live.get(event.partId), event.toUri, this.#makerOf(entry));`;

export const ORPHANS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a file that is pending counts as committed for orphans',
    store: 'file',
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
    patches: [patch(NAMES, MOVED, ``)],
  },
  {
    name: 'side objects of files in progress are orphans',
    store: 'oss',
    patches: [
      patch(
        NAMES,
        JUDGED,
        `      yield { item, part: life, madeBy, end: item.kind === 'sideObject' ? 'discarded' : life.end };`,
      ),
    ],
  },
  {
    name: 'an upload whose id is not journaled is an orphan',
    store: 'oss',
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
    patches: [
      patch(NAMES, `  if (end === 'committed' || generation < position.generation) return false;\n`, ``),
      patch(NAMES, `position.nextOffset <= firstOffset`, `position.nextOffset >= firstOffset`),
    ],
  },
  {
    name: 'temporary names of a stopped partition are orphans',
    store: 'file',
    patches: [
      patch(FIND, `      if (facts.stop !== null) withheld`, `      if (facts.epoch === 0) withheld`),
    ],
  },
];
