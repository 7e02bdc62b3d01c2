/** A file in progress changes its owner, while the old one still holds it open. */
import { fail, pass, type Finding } from '../../../kernels/checks/check.ts';
import { isStoreFailure } from '../failure.ts';
import type {
  DurablePart,
  FinishingTakeover,
  OpenFile,
  PartTarget,
  ResumingTakeover,
  Store,
} from '../port.ts';
import { checkpointed, contentOf, durableOf, type Scratch } from './scratch.ts';

const [CHECKPOINTED, AFTER] = [contentOf('old owner', 4_096), contentOf('too late', 1_024)];
const MORE = contentOf('new owner', 1_024);

export class TakeoverCheck {
  readonly #scratch: Scratch;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  async run(): Promise<Finding> {
    const target = this.#scratch.target('taken-over');
    const old = await this.#scratch.session();
    const file = await old.create(target);
    try {
      const durable = await checkpointed(file, CHECKPOINTED);
      await file.write(AFTER);
      const next = await this.#scratch.session();
      const { takeover } = next;
      const taken =
        takeover.type === 'resume'
          ? await this.#resumed(takeover, target, durable)
          : await this.#finished(takeover, target, durable);
      await next.commitAfterRecovery(taken.target, taken.durable);
      await writeOn(file);
      const read = await next.reading.verify(target.finalUri, taken.durable);
      await discard(next, target, file);
      if (read.type !== 'same')
        return fail(
          `a file that was taken over reads back otherwise (${read.type}): ${target.finalUri}`,
          'An old owner reaches what a new one publishes: choose another destination, and report this.',
        );
      const way = takeover.type === 'resume' ? 'went on with' : 'finished';
      return pass(`a new owner ${way} the file of an old one, who could not change it any more`);
    } finally {
      await file.abandon();
    }
  }

  async #resumed(takeover: ResumingTakeover, target: PartTarget, durable: DurablePart): Promise<Taken> {
    const temporaryUri = this.#scratch.newTemporaryUri();
    const file = await takeover.resume(target, durable, temporaryUri);
    try {
      await file.write(MORE);
      const whole = durableOf(Buffer.concat([CHECKPOINTED, MORE]), await file.closeForCommit());
      return { target: { ...target, temporaryUri }, durable: whole };
    } finally {
      await file.abandon();
    }
  }

  async #finished(takeover: FinishingTakeover, target: PartTarget, durable: DurablePart): Promise<Taken> {
    const toUri = takeover.copies ? this.#scratch.newTemporaryUri() : target.temporaryUri;
    const whole = await takeover.finish(target, durable, { toUri, tail: MORE });
    return { target: { ...target, temporaryUri: toUri }, durable: whole };
  }
}

interface Taken {
  readonly target: PartTarget;
  readonly durable: DurablePart;
}

/** What the old owner still tries may be refused, or go where nobody looks. */
async function writeOn(file: OpenFile): Promise<void> {
  try {
    await file.write(AFTER);
    await file.persist();
  } catch (error) {
    if (!isStoreFailure(error, 'outcomeUnknown', 'unavailable', 'missing', 'contentDiffers')) throw error;
  }
}

async function discard(store: Store, target: PartTarget, { startHandle = null }: OpenFile): Promise<void> {
  await store.discard([target.temporaryUri], startHandle);
}
