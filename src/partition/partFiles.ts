/** The part files of an epoch. Each is journaled before creation, or continues one of an earlier epoch. */
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { PartFileStatus } from '../../actors/ledger.ts';
import {
  finalUri,
  folderOf,
  folderUri,
  isFolderOf,
  temporaryUri,
  type NamingRule,
} from '../../actors/naming.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partId, type PartId, type TopicPartition } from '../../journal/ids.ts';
import type { OpenFile, PartTarget } from '../stores/port.ts';
import type { EpochScope } from './epochScope.ts';
import { mayTakeOtherName } from './storeFailure.ts';
import { BAD_BUCKET, BAD_FORMAT } from '../formats/bad/badLine.ts';
import { formatId } from '../formats/format.ts';
import { drawEntropy } from '../writing/entropy.ts';
import type { Context } from '../job/options.ts';
import { PartWriter, type Inherited } from '../writing/partWriter.ts';

/** Failures in a row after which the epoch is given up, with backoff, to spare the destination. */
const CREATE_TRIES = 3;
/** The retries take about 6 s in total. */
const REMOVE_TRIES = 6;
const REMOVE_PAUSE_MS = 200;

export interface PartFilesOptions {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly host: PartitionHost;
  readonly scope: EpochScope;
}

export class PartFiles {
  readonly #options: PartFilesOptions;

  constructor(options: PartFilesOptions) {
    this.#options = options;
  }

  /** Journals a part file, then creates it. If the name is taken or the outcome unknown, opens another. */
  async open(bucket: string, firstOffset: bigint): Promise<PartWriter> {
    const { context, host, partition } = this.#options;
    const { ports } = context;
    const { generation } = host.ledger.facts;
    for (let attempt = 1; ; attempt += 1) {
      if (this.#options.scope.isOver)
        throw new TidemarkError('FENCED', `The epoch was over before a file for "${bucket}" was opened.`);
      const naming = this.#namingOf(bucket);
      const format = this.#formatOf(bucket);
      const folder = folderUri(naming, bucket, drawEntropy(ports.random, naming.entropy));
      const id = partId(ports.random.hexId());
      const target = {
        partId: id,
        finalUri: finalUri(naming, folder, partition, firstOffset, generation),
        temporaryUri: temporaryUri(folder, id),
      };
      const openedAtMs = Math.max(0, Math.floor(ports.clock.wallMs()));
      await host.submit(() => [
        { type: 'partOpened', ...target, bucket, format, firstOffset, generation, openedAtMs },
      ]);
      try {
        const file = await ports.store.create(target);
        await this.#start(target, file);
        ports.log.debug({ file: target.finalUri, firstOffset }, 'part file opened');
        return this.#writer(target, bucket, firstOffset, file);
      } catch (error) {
        if (!mayTakeOtherName(error) || attempt === CREATE_TRIES) throw error;
        ports.log.warn(
          { err: error, file: target.temporaryUri },
          'creating a part file failed; opening another',
        );
        await ports.store.discard([target.temporaryUri], null);
        await host.submit(() => [{ type: 'partDiscarded', partId: target.partId }]);
      }
    }
  }

  /** If cleanup needs more than the name (an upload id, say), journals it before the first byte. */
  async #start(target: PartTarget & { readonly partId: PartId }, file: OpenFile): Promise<void> {
    const { context, host, scope } = this.#options;
    const { startHandle } = file;
    if (scope.isOver) {
      // The next owner may have discarded the name before the file was created: nobody would look again.
      await file.abandon();
      await context.ports.store.discard([target.temporaryUri], startHandle ?? null);
      throw new TidemarkError(
        'FENCED',
        `The epoch was over before ${target.temporaryUri} was created; it is removed again.`,
      );
    }
    if (startHandle === undefined) return;
    try {
      await host.submit(() => [{ type: 'partStarted', partId: target.partId, handle: startHandle }]);
    } catch (error) {
      await file.abandon();
      throw error;
    }
  }

  /** Continues a file of an earlier epoch, which the store has reopened at its durable length. */
  resume(part: PartFileContext, durable: DurableFacts, file: OpenFile): PartWriter {
    // The wall clock may have jumped: a file opened in the future is as old as one opened now.
    const ageMs = Math.max(0, this.#options.context.ports.clock.wallMs() - part.openedAtMs);
    return this.#writer(part, part.bucket, durable.firstOffset, file, { durable, ageMs });
  }

  /** Whether today's configuration and log give the file this name and format: only then it takes more. */
  isInPlace({ bucket, finalUri: journaled, format, firstOffset, generation }: PartFileContext): boolean {
    const { partition, host } = this.#options;
    if (generation !== host.ledger.facts.generation || format !== this.#formatOf(bucket)) return false;
    const naming = this.#namingOf(bucket);
    const folder = folderOf(journaled);
    return (
      isFolderOf(naming, bucket, folder) &&
      journaled === finalUri(naming, folder, partition, firstOffset, generation)
    );
  }

  /** As journaled. */
  #formatOf(bucket: string): string {
    const { format } = this.#options.context.settings;
    return bucket === BAD_BUCKET ? formatId(BAD_FORMAT, format.codec) : format.id;
  }

  /** Files of bad records are JSON lines, whatever the suffix of the others is. */
  #namingOf(bucket: string): NamingRule {
    const { naming, format } = this.#options.context.settings;
    return bucket === BAD_BUCKET ? { ...naming, suffix: `.json${format.codec?.suffix ?? ''}` } : naming;
  }

  #writer(
    target: PartTarget & { readonly partId: PartId },
    bucket: string,
    firstOffset: bigint,
    file: OpenFile,
    inherited: Inherited | null = null,
  ): PartWriter {
    const { context, scope } = this.#options;
    const nowMs = context.ports.clock.nowMs();
    return new PartWriter({
      ...{ partId: target.partId, target, bucket, file, firstOffset, inherited },
      ...{
        codec: context.settings.format.codec,
        nowMs,
        stats: context.stats,
        latch: scope.latch,
        buffers: context.buffers,
      },
    });
  }

  /** Whether files may exist that only the end of this epoch removes. */
  get mayHaveLeftovers(): boolean {
    const { host, context } = this.#options;
    const { store } = context.ports;
    return [...host.ledger.parts()].some(
      ({ status, context: { copyUri } }) =>
        status === 'open' ||
        (copyUri !== null && store.takeover.type === 'finish') ||
        (status === 'inProgress' && store.sideObjects !== undefined),
    );
  }

  /**
   * For an epoch whose end is in the journal: what no completed checkpoint names now will never be named by
   * one. The new owner may have discarded these names before this process, perhaps paused, created the files.
   * Never rejects.
   */
  async removeLeftovers(): Promise<void> {
    for (const { status, context: part } of this.#options.host.ledger.parts())
      await this.#insist(() => this.#removeOf(status, part));
  }

  async #removeOf(status: PartFileStatus, part: PartFileContext): Promise<void> {
    const { store } = this.#options.context.ports;
    if (status === 'open') await store.discard([part.temporaryUri], part.startHandle);
    // A file that is moved, not copied, may have this name and all checkpointed bytes.
    if (part.copyUri !== null && store.takeover.type === 'finish') await store.discard([part.copyUri], null);
    if (status === 'inProgress' && part.durable !== null)
      await store.sideObjects?.discardUncheckpointed(part, part.durable.handle);
  }

  /** Nobody looks for leftovers again, so failures are retried; one file's does not affect the others. */
  async #insist(remove: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options.context.ports;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await remove();
        return;
      } catch (error) {
        if (attempt < REMOVE_TRIES && error instanceof TidemarkError && error.retry === 'transient') {
          await clock.pause(REMOVE_PAUSE_MS * 2 ** (attempt - 1));
          continue;
        }
        log.warn({ err: error }, 'a temporary file of an epoch that is over may be left');
        return;
      }
    }
  }
}
