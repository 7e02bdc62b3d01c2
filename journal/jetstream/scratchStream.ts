/** A journal in a stream of its own, made, written, read and deleted again, for `tidemark doctor`. */
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { fail, pass, warn, type Finding } from '../../kernels/checks/check.ts';
import { durationText } from '../../kernels/checks/sizes.ts';
import { TidemarkError } from '../errors.ts';
import { jobName } from '../ids.ts';
import type { Journal } from '../port.ts';
import { jobSubject } from '../subjects.ts';
import type { NatsConnectionOptions } from './connection.ts';
import { openJetstreamJournal } from './journal.ts';
import { isStreamGone } from './stream.ts';

const APPENDS = 5;
const SLOW_APPEND_MS = 250;
const WAIT_MS = 5_000;
const NAME_CHARACTERS_MAX = 150;
const BROKEN = 'Report this with the version of the server: the journal cannot be trusted there.';

export interface ScratchOptions extends NatsConnectionOptions {
  /** Of the job. */
  readonly stream: string;
  readonly replicas: number;
  readonly scratchId: string;
}

export class ScratchStream {
  readonly #options: ScratchOptions;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;
  #mayBeThere = false;

  constructor(options: ScratchOptions, jsm: JetStreamManager) {
    this.#options = options;
    this.#jsm = jsm;
    this.#stream = `${options.stream.slice(0, NAME_CHARACTERS_MAX)}_DOCTOR_${options.scratchId}`;
  }

  async check(): Promise<Finding> {
    try {
      this.#mayBeThere = true;
      // What it warns of, its replicas for one, is found by other checks.
      const journal = await openJetstreamJournal({
        ...{ ...this.#options, stream: this.#stream, mode: 'create', waitForServerMs: WAIT_MS },
        onWarning: () => undefined,
      });
      const finding = await appended(journal).finally(() => journal.close());
      await this.remove();
      return finding;
    } catch (error) {
      if (isDenied(error)) this.#mayBeThere = false;
      const refusal = error instanceof TidemarkError ? error.cause : error;
      if (!(refusal instanceof JetStreamApiError)) throw error;
      return fail(
        `the server refuses a stream like that of the journal: ${refusal.message}`,
        'Correct journal.nats.replicas, or the limits of the account; or make the stream by hand.',
      );
    }
  }

  /** Idempotent. */
  async remove(): Promise<void> {
    if (!this.#mayBeThere) return;
    for (const stream of [this.#stream, `${this.#stream}_SNAPSHOTS`]) {
      try {
        await this.#jsm.streams.delete(stream);
      } catch (error) {
        if (!isStreamGone(error))
          throw new Error(`the stream ${stream} may be left: delete it by hand`, { cause: error });
      }
    }
    this.#mayBeThere = false;
  }
}

/** Whether the server let nothing be made: whatever was refused first was the creation. */
function isDenied(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1)
    if (at instanceof errors.PermissionViolationError) return /STREAM\.(INFO|CREATE)/.test(at.subject);
  return false;
}

async function appended(journal: Journal): Promise<Finding> {
  const subject = jobSubject(jobName('doctor'));
  const took: number[] = [];
  const entries: string[] = [];
  let revision = 0;
  for (let count = 1; count <= APPENDS; count += 1) {
    entries.push(`entry ${count} of tidemark doctor`);
    const startMs = performance.now();
    const outcome = await journal.append(subject, revision, Buffer.from(entries.at(-1) ?? ''));
    took.push(performance.now() - startMs);
    if (outcome.type === 'conflict') return fail('an append was refused as a second one', BROKEN);
    if (outcome.type !== 'appended') throw outcome.cause;
    revision = outcome.revision;
  }
  const second = await journal.append(subject, 0, Buffer.from('a second owner'));
  if (second.type !== 'conflict')
    return fail(`an append behind an entry that is not the last one was ${second.type}`, BROKEN);
  const read: string[] = [];
  for await (const batch of journal.read(subject, 0)) read.push(...batch.map(({ bytes }) => textOf(bytes)));
  if (read.join() !== entries.join())
    return fail(`${read.length} of ${APPENDS} entries were read back`, BROKEN);
  await journal.writeSnapshot(subject, Buffer.from('a snapshot of tidemark doctor'));
  const medianMs = took.toSorted((a, b) => a - b)[Math.floor(APPENDS / 2)] ?? 0;
  const found = `an append takes ${durationText(medianMs)}; one at another sequence was refused`;
  return medianMs < SLOW_APPEND_MS
    ? pass(found)
    : warn(
        found,
        'Each part file and checkpoint takes some appends: use servers that are nearer, or faster disks.',
      );
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
