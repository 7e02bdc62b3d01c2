/**
 * The host of one partition's actors: decide -> journal -> act.
 *
 * One append is in flight. Inputs that arrive meanwhile wait undecided and are then decided in order on the adopted state, into
 * one entry. Only after the acknowledgement is the state adopted and are the effects handed out.
 */
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import type { Effect } from '../../actors/facts.ts';
import type { PartitionLedger, Stage } from '../../actors/ledger.ts';

/** Appends one entry and resolves once it is durable. */
export interface EntryAppender {
  append(events: readonly PartitionEvent[]): Promise<void>;
  /** Bytes of the entry that the events would make. */
  measure(events: readonly PartitionEvent[]): number;
  readonly entryBytesMax: number;
}

/**
 * Says what is to be journaled, given the state with all earlier inputs applied; an empty answer journals nothing. May note
 * events of the host on the stage: they take their turn with the journaled ones.
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
    /** Called when the ledger is what the journal's last entry made it; must not throw. */
    onAdopted: () => void = () => undefined,
  ) {
    this.#ledger = ledger;
    this.#appender = appender;
    this.#onAdopted = onAdopted;
  }

  /** Hands the effects of later entries to `handler`; those of earlier ones were dropped. */
  handleEffects(handler: (effects: readonly Effect[]) => void): void {
    this.#onEffects = handler;
  }

  get ledger(): PartitionLedger {
    return this.#ledger;
  }

  /** Why nothing more is journaled; null while it goes well. FENCED means that the journal has seen another's entry. */
  get failure(): TidemarkError | null {
    return this.#failure;
  }

  /**
   * Resolves once what `decide` answered is durable and adopted. After a failed append nothing more is taken: every waiting and
   * later input is rejected with that failure.
   */
  submit(decide: Decide): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ decide, resolve, reject });
      if (!this.#busy) void this.#drain();
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

  /** Decides inputs in order until the entry would be too large; takes at least one. */
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
