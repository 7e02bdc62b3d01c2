/** The part files of an epoch. Each is journaled before creation, or continues one of an earlier epoch. */
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { PartFileStatus } from '../../actors/ledger.ts';
import {
  finalUri,
  folderOf,
  folderUri,
  hasRowsFile,
  isFolderOf,
  rowsUri,
  temporaryUri,
  withRowsFiles,
  type NamingRule,
} from '../../actors/naming.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { PartitionContext } from '../../actors/partition.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partId, type PartId, type TopicPartition } from '../../journal/ids.ts';
import type { OpenFile, PartTarget } from '../stores/port.ts';
import type { EpochScope } from './epochScope.ts';
import { mayTakeOtherName } from './storeFailure.ts';
import { BAD_BUCKET, BAD_FORMAT } from '../formats/bad/badLine.ts';
import { formatId, type RecordFormat } from '../formats/format.ts';
import type { RowEncoder } from '../formats/rows.ts';
import { drawEntropy } from '../writing/entropy.ts';
import type { Context } from '../job/context.ts';
import { PartWriter, type Inherited, type RowsOfPart } from '../writing/partWriter.ts';
import { withoutRows } from '../writing/rowsHandle.ts';

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
  readonly records: RecordFormat;
}

/** A file that is open for writing, and what else its records need. */
interface Opened {
  readonly file: OpenFile;
  readonly rows: RowsOfPart | null;
}

/** A file of an earlier epoch that is continued under a new temporary name. */
export interface ContinuedPart {
  readonly part: PartFileContext;
  readonly durable: DurableFacts;
  readonly toUri: string;
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
      const named = (facts: PartitionContext) => ({
        partId: id,
        finalUri: finalUri(naming, folder, partition, firstOffset, generation, repairOf(facts)),
        temporaryUri: temporaryUri(folder, id),
      });
      let target = named(host.ledger.facts);
      const openedAtMs = Math.max(0, Math.floor(ports.clock.wallMs()));
      await host.submit(({ facts }) => {
        // A checkpoint that ends a repair may be journaled before it.
        target = named(facts);
        return [{ type: 'partOpened', ...target, bucket, format, firstOffset, generation, openedAtMs }];
      });
      try {
        const opened = await this.#create(target, bucket);
        await this.#start(target, format, opened);
        ports.log.debug({ file: target.finalUri, firstOffset }, 'part file opened');
        return this.#writer(target, bucket, firstOffset, opened);
      } catch (error) {
        if (!mayTakeOtherName(error) || attempt === CREATE_TRIES) throw error;
        ports.log.warn(
          { err: error, file: target.temporaryUri },
          'creating a part file failed; opening another',
        );
        await ports.store.discard(withRowsFiles(format, [target.temporaryUri]), null);
        await host.submit(() => [{ type: 'partDiscarded', partId: target.partId }]);
      }
    }
  }

  /** Creates the file, and the rows file beside it if it holds rows. */
  async #create(target: PartTarget, bucket: string): Promise<Opened> {
    const { context, records } = this.#options;
    const file = await context.ports.store.create(target);
    if (records.type !== 'rows' || bucket === BAD_BUCKET) return { file, rows: null };
    return { file, rows: await this.#withRows(target.temporaryUri, records.begin(), file) };
  }

  /** A new rows file for the encoder's log. If there can be none, the part file is released. */
  async #withRows(temporary: string, encoder: RowEncoder, file: OpenFile): Promise<RowsOfPart> {
    try {
      return { encoder, scratch: await this.#options.context.ports.store.scratch.create(rowsUri(temporary)) };
    } catch (error) {
      await file.abandon();
      throw error;
    }
  }

  /** If cleanup needs more than the name (an upload id, say), journals it before the first byte. */
  async #start(
    target: PartTarget & { readonly partId: PartId },
    format: string,
    opened: Opened,
  ): Promise<void> {
    const { context, host, scope } = this.#options;
    const { startHandle } = opened.file;
    if (scope.isOver) {
      // The next owner may have discarded the name before the file was created: nobody would look again.
      await abandon(opened);
      const names = withRowsFiles(format, [target.temporaryUri]);
      await context.ports.store.discard(names, startHandle ?? null);
      throw new TidemarkError(
        'FENCED',
        `The epoch was over before ${target.temporaryUri} was created; it is removed again.`,
      );
    }
    if (startHandle === undefined) return;
    try {
      await host.submit(() => [{ type: 'partStarted', partId: target.partId, handle: startHandle }]);
    } catch (error) {
      await abandon(opened);
      throw error;
    }
  }

  /**
   * Continues a file of an earlier epoch, which the store has reopened at its durable length under a new
   * name. Its rows get a new rows file, since an earlier owner may still write to the one it had.
   */
  async resume(
    { part, durable, toUri }: ContinuedPart,
    file: OpenFile,
    encoder: RowEncoder | null,
  ): Promise<PartWriter> {
    const { context, scope } = this.#options;
    const rows = encoder === null ? null : await this.#withRows(toUri, this.#goOn(part, encoder), file);
    if (rows !== null && scope.isOver) {
      await abandon({ file, rows });
      await context.ports.store.discard([rowsUri(toUri)], null);
      throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was continued.`);
    }
    // The wall clock may have jumped: a file opened in the future is as old as one opened now.
    const ageMs = Math.max(0, context.ports.clock.wallMs() - part.openedAtMs);
    return this.#writer(part, part.bucket, durable.firstOffset, { file, rows }, { durable, ageMs });
  }

  #goOn(part: PartFileContext, encoder: RowEncoder): RowEncoder {
    const { records } = this.#options;
    return records.type === 'rows' && this.isInPlace(part) ? records.goOn(encoder) : encoder;
  }

  /** Whether today's configuration and log give the file this name and format: only then it takes more. */
  isInPlace({ bucket, finalUri: journaled, format, firstOffset, generation }: PartFileContext): boolean {
    const { partition, host } = this.#options;
    const { facts } = host.ledger;
    if (generation !== facts.generation || format !== this.#formatOf(bucket)) return false;
    const naming = this.#namingOf(bucket);
    const folder = folderOf(journaled);
    return (
      isFolderOf(naming, bucket, folder) &&
      journaled === finalUri(naming, folder, partition, firstOffset, generation, repairOf(facts))
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
    opened: Opened,
    inherited: Inherited | null = null,
  ): PartWriter {
    const { context, scope } = this.#options;
    const nowMs = context.ports.clock.nowMs();
    return new PartWriter({
      ...{ partId: target.partId, target, bucket, ...opened, firstOffset, inherited },
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
      ({ status, context: { copyUri, format } }) =>
        status === 'open' ||
        (copyUri !== null && (store.takeover.type === 'finish' || hasRowsFile(format))) ||
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
    const { format, copyUri, durable } = part;
    if (status === 'open') await store.discard(withRowsFiles(format, [part.temporaryUri]), part.startHandle);
    if (copyUri !== null && hasRowsFile(format)) await store.discard([rowsUri(copyUri)], null);
    // A file that is moved, not copied, may have this name and all checkpointed bytes.
    if (copyUri !== null && store.takeover.type === 'finish') await store.discard([copyUri], null);
    if (status === 'inProgress' && durable !== null)
      await store.sideObjects?.discardUncheckpointed(part, withoutRows(durable).handle);
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

/** Number of the repair that is under way; 0: none. Only files that were opened in it take its records. */
function repairOf({ repair, repairs }: PartitionContext): number {
  return repair === null ? 0 : repairs;
}

async function abandon({ file, rows }: Opened): Promise<void> {
  await file.abandon();
  await rows?.scratch.abandon();
}
