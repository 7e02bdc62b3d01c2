/**
 * Makes every call of the Store port that a job makes, in a folder of its own, whatever kind the store is.
 * Each check names what the store promises by it (src/stores/port.ts).
 */
import { journalId } from '../../../journal/ids.ts';
import {
  check,
  fail,
  pass,
  warn,
  type Check,
  type Finding,
  type Probe,
} from '../../../kernels/checks/check.ts';
import { bytesText, durationText } from '../../../kernels/checks/sizes.ts';
import { isStoreFailure } from '../failure.ts';
import type { StoreProbe } from '../kind.ts';
import type { PartTarget, Store } from '../port.ts';
import { closedFile, contentOf, Scratch } from './scratch.ts';
import { TakeoverCheck } from './takeover.ts';

const FILE_BYTES = 256 * 1024;
/** A lease of a service takes its time to recover. */
const TAKEOVER_LIMIT_MS = 60_000;
const JOB = 'doctor';
const [ONE_JOURNAL, OTHER_JOURNAL] = [1, 2].map((last) =>
  journalId(`00000000-0000-4000-8000-00000000000${last}`),
) as [ReturnType<typeof journalId>, ReturnType<typeof journalId>];
const WITNESS = 'w-1';
/** Begins the name of every scratch folder. No job has such a name. */
const SCRATCH_PREFIX = '_doctor-';

const BROKEN =
  'The promise of Tidemark does not hold there: choose another destination, and report this with its ' +
  'product and version.';

export interface SinkProbing {
  /** Folder of the markers (`markerFolderUri`). */
  readonly markerFolderUri: string;
  readonly scratchUri: string;
  readonly probe: StoreProbe;
  readonly open: () => Promise<Store>;
  readonly draw: () => string;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** `<marker folder>/.tidemark/_doctor-<id>`. */
export const scratchUriOf = (markerFolderUri: string, id: string): string =>
  `${markerFolderUri}/.tidemark/${SCRATCH_PREFIX}${id}`;

export function sinkProbe(probing: SinkProbing): Probe {
  const { probe } = probing;
  const scratch = new Scratch(probing.scratchUri, probing.open, probing.draw);
  const calls = new PortChecks(scratch, probing);
  return {
    checks: [...probe.checks, ...calls.checks(probe.opensAfter)],
    isAway: (error) => probe.isAway(error),
    close: async () => {
      try {
        await scratch.close();
      } finally {
        await probe.removeScratch().finally(() => probe.close());
      }
    },
  };
}

class PortChecks {
  readonly #scratch: Scratch;
  readonly #probing: SinkProbing;

  constructor(scratch: Scratch, probing: SinkProbing) {
    this.#scratch = scratch;
    this.#probing = probing;
  }

  checks(opensAfter: readonly string[]): readonly Check[] {
    const takeover = new TakeoverCheck(this.#scratch);
    return [
      check('sink-write', opensAfter, () => this.#write()),
      check('sink-publish', ['sink-write'], () => this.#publish()),
      check('sink-overwrite', ['sink-publish'], () => this.#overwrite()),
      check('sink-list', ['sink-publish'], () => this.#list()),
      check('sink-marker', ['sink-write'], () => this.#marker()),
      check('sink-witness', ['sink-write'], () => this.#witness()),
      check('sink-takeover', ['sink-publish'], () => takeover.run(), { limitMs: TAKEOVER_LIMIT_MS }),
      check('sink-salvage', ['sink-publish'], () => this.#salvage()),
      check('sink-discard', ['sink-write'], () => this.#discard()),
      check('sink-clean', ['sink-write'], () => this.#clean()),
    ];
  }

  async #write(): Promise<Finding> {
    const store = await this.#scratch.store();
    const target = this.#scratch.target('written');
    const startMs = this.#probing.nowMs();
    const { durable, startHandle } = await closedFile(store, target, contentOf('one', FILE_BYTES));
    const tookMs = this.#probing.nowMs() - startMs;
    const found = `a file of ${bytesText(durable.length)} in two flushes took ${durationText(tookMs)}`;
    // Where nobody sees a file before it is published, two of one name are two.
    const isExclusive = store.reading.showsUnpublished;
    if (isExclusive && !(await this.#isRefused(store, target)))
      return fail(`a file was created where one was already: ${target.temporaryUri}`, BROKEN);
    await store.discard([target.temporaryUri], startHandle);
    return pass(isExclusive ? `${found}; a second one of the same name was refused` : found);
  }

  async #isRefused(store: Store, target: PartTarget): Promise<boolean> {
    try {
      await (await store.create(target)).abandon();
      return false;
    } catch (error) {
      if (isStoreFailure(error, 'exists')) return true;
      throw error;
    }
  }

  async #publish(): Promise<Finding> {
    const store = await this.#scratch.store();
    const { target, durable } = await closedFile(
      store,
      this.#scratch.target('published'),
      contentOf('one', FILE_BYTES),
    );
    const startMs = this.#probing.nowMs();
    await store.commit(target, durable);
    const tookMs = this.#probing.nowMs() - startMs;
    // As a new owner does that does not know whether the first call took effect.
    await store.commitAfterRecovery(target, durable);
    const read = await store.reading.verify(target.finalUri, durable);
    if (read.type !== 'same')
      return fail(`a published file reads back otherwise (${read.type}): ${target.finalUri}`, BROKEN);
    return pass(`published in ${durationText(tookMs)}, and its CRC-64 read back`);
  }

  async #overwrite(): Promise<Finding> {
    const store = await this.#scratch.store();
    const { finalUri } = this.#scratch.target('published');
    const mine = { ...this.#scratch.target('other'), finalUri };
    const { target, durable, startHandle } = await closedFile(store, mine, contentOf('two', 1_024));
    let isRefused = false;
    try {
      await store.commit(target, durable);
    } catch (error) {
      if (!isStoreFailure(error, 'contentDiffers', 'exists')) throw error;
      isRefused = true;
    }
    const read = await store.reading.verify(finalUri, durable);
    await store.discard([target.temporaryUri], startHandle);
    if (read.type === 'same') return fail(`a published file was replaced by another: ${finalUri}`, BROKEN);
    return isRefused
      ? pass('another file was not published over one that was there')
      : fail('publishing over a file that was there seemed to succeed', BROKEN);
  }

  async #list(): Promise<Finding> {
    const store = await this.#scratch.store();
    const wanted = this.#scratch.target('published').finalUri;
    const seen = (await this.#listed(store)).filter(({ kind }) => kind === 'visible').map(({ uri }) => uri);
    if (!seen.includes(wanted)) return fail(`a published file is not listed: ${wanted}`, BROKEN);
    let bytes = 0;
    for await (const chunk of store.reading.read(wanted, undefined, { from: 10, to: 110 }))
      bytes += chunk.length;
    return bytes === 100
      ? pass('a published file is listed, and a range of its bytes was read')
      : fail(`100 bytes in the midst of a file were asked for, and ${bytes} came`, BROKEN);
  }

  async #marker(): Promise<Finding> {
    const store = await this.#scratch.store();
    const { uri } = this.#scratch;
    const first = await store.claimMarker(uri, JOB, ONE_JOURNAL);
    const second = await (await this.#scratch.session()).claimMarker(uri, JOB, OTHER_JOURNAL);
    const read = await store.readMarker(uri, JOB);
    return first === ONE_JOURNAL && second === ONE_JOURNAL && read === ONE_JOURNAL
      ? pass('of two claims of a marker the first won')
      : fail('two claims of a marker did not agree who was first', BROKEN);
  }

  async #witness(): Promise<Finding> {
    const store = await this.#scratch.store();
    const folder = `${this.#scratch.uri}/.tidemark/_witness/${JOB}/topic/0`;
    await store.writeWitness(folder, WITNESS);
    await store.writeWitness(folder, WITNESS);
    const there = await store.listWitnesses(folder);
    await store.removeWitnesses(folder, [WITNESS]);
    const gone = await store.listWitnesses(folder);
    return there.join() === WITNESS && gone.length === 0
      ? pass('a witness was written, listed and removed')
      : fail(`one witness was written, and ${there.length} were listed; then ${gone.length}`, BROKEN);
  }

  async #salvage(): Promise<Finding> {
    const store = await this.#scratch.store();
    if (store.salvage === undefined) return pass('this kind of destination copies nothing');
    const bytes = contentOf('one', FILE_BYTES);
    const { target, durable } = await closedFile(store, this.#scratch.target('salvaged'), bytes);
    const copyUri = this.#scratch.newTemporaryUri();
    await store.salvage.copy(target.temporaryUri, durable, copyUri);
    const read = await store.reading.verify(copyUri, durable);
    await store.discard([copyUri, target.temporaryUri], null);
    return read.type === 'same' || !store.reading.showsUnpublished
      ? pass('a file was copied, and the copy read back')
      : fail(`the copy of a file reads back otherwise (${read.type}): ${copyUri}`, BROKEN);
  }

  async #discard(): Promise<Finding> {
    const store = await this.#scratch.store();
    const target = this.#scratch.target('discarded');
    const file = await store.create(target);
    await file.write(contentOf('three', 1_024));
    await file.abandon();
    const handle = file.startHandle ?? null;
    await store.discard([target.temporaryUri], handle);
    await store.discard([target.temporaryUri], handle);
    const left = (await this.#listed(store)).filter(({ uri }) => uri === target.temporaryUri);
    return left.length === 0
      ? pass('a file that nobody needs was removed')
      : fail(`a discarded file is still there: ${target.temporaryUri}`, BROKEN);
  }

  /** Removes the folder now, so that a right that is missing for it is found. */
  async #clean(): Promise<Finding> {
    const store = await this.#scratch.store();
    await this.#probing.probe.removeScratch();
    const left = await this.#listed(store);
    const folder = this.#probing.markerFolderUri;
    const others = (await store.listWitnesses(`${folder}/.tidemark`)).filter((name) =>
      name.startsWith(SCRATCH_PREFIX),
    );
    if (left.length > 0)
      return fail(`${left.length} files are left in ${this.#scratch.uri}`, 'Remove the folder by hand.');
    return others.length === 0
      ? pass('all that was made is removed')
      : warn(
          `${folder}/.tidemark holds ${others.join(', ')} of another doctor`,
          'Where no other doctor runs, a killed one has left it: remove it by hand.',
        );
  }

  async #listed(store: Store) {
    const files = [];
    for await (const batch of store.reading.list(this.#scratch.uri)) files.push(...batch);
    return files;
  }
}
