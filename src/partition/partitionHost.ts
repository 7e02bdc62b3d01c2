/**
 * The host of one partition's actors: decide -> journal -> act.
 *
 * One append is in flight. Inputs that arrive meanwhile wait undecided. They are then decided in order, on
 * the adopted state, into one entry. The state is adopted, and the effects are handed out, only after the
 * acknowledgement.
 */
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import type { Effect } from '../../actors/facts.ts';
import type { PartitionHostEvent } from '../../actors/partition.ts';
import type { PartitionLedger, Stage } from '../../actors/ledger.ts';

/** Appends one entry. Resolves after it is durable. */
export interface EntryAppender {
  append(events: readonly PartitionEvent[]): Promise<void>;
  /** Size of the entry with these events, in bytes. */
  measure(events: readonly PartitionEvent[]): number;
  readonly entryBytesMax: number;
}

/**
 * Decides what to journal, given the state with all earlier inputs applied. An empty answer journals nothing.
 * May note events of the host on the stage: they are applied in order with the journaled ones.
 */
export type Decide = (state: Stage) => readonly PartitionEvent[];

interface Input {
  readonly decide: Decide;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class PartitionHost {
  readonly #ledger: PartitionLedger;
  readonly #appender: EntryAppender;
  #onEffects: (effects: readonly Effect[]) => void = () => undefined;
  readonly #onAdopted: () => void;
  readonly #waiting: Input[] = [];
  #busy = false;
  #failure: TidemarkError | null = null;

  constructor(
    ledger: PartitionLedger,
    appender: EntryAppender,
    /** Called when the ledger matches the journal's last entry. Must not throw. */
    onAdopted: () => void = () => undefined,
  ) {
    this.#ledger = ledger;
    this.#appender = appender;
    this.#onAdopted = onAdopted;
  }

  /** Passes the effects of later entries to `handler`. Effects of earlier entries were dropped. */
  handleEffects(handler: (effects: readonly Effect[]) => void): void {
    this.#onEffects = handler;
  }

  get ledger(): PartitionLedger {
    return this.#ledger;
  }

  /** Why nothing more is journaled; null without failure. FENCED: the journal holds another owner's entry. */
  get failure(): TidemarkError | null {
    return this.#failure;
  }

  /**
   * Resolves after the events of `decide` are durable and adopted. After a failed append nothing more is
   * accepted: every waiting and later input is rejected with that failure.
   */
  submit(decide: Decide): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ decide, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  /** Takes an event of the host, which is not journaled, in its turn among the inputs. */
  note(event: PartitionHostEvent): Promise<void> {
    return this.submit((stage) => {
      stage.note(event);
      return [];
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      if (this.#failure === null) await this.#appendNext();
      else for (const input of this.#waiting.splice(0)) input.reject(this.#failure);
    }
    this.#busy = false;
  }

  async #appendNext(): Promise<void> {
    const taken: Input[] = [];
    try {
      const stage = this.#ledger.stage();
      const events = this.#decideWaiting(stage, taken);
      if (events.length > 0) await this.#appender.append(events);
      const effects = this.#ledger.adopt(stage);
      if (events.length > 0) this.#onAdopted();
      if (effects.length > 0) this.#onEffects(effects);
      for (const input of taken) input.resolve();
    } catch (error) {
      this.#failure = asTidemarkError(error, 'Journaling');
      for (const input of taken) input.reject(this.#failure);
    }
  }

  /** Decides inputs in order until the entry is half full. Takes at least one. */
  #decideWaiting(stage: Stage, taken: Input[]): PartitionEvent[] {
    const events: PartitionEvent[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0 && (taken.length === 0 || bytes < this.#appender.entryBytesMax / 2)) {
      const input = this.#waiting.shift();
      if (input === undefined) break;
      taken.push(input);
      const decided = input.decide(stage);
      for (const event of decided) stage.apply(event);
      events.push(...decided);
      bytes += decided.length === 0 ? 0 : this.#appender.measure(decided);
    }
    return events;
  }
}
