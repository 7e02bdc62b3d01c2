/** Something about a source file that is tried again: it stands among the conditions of the process while it lasts. */
import type { TidemarkError } from '../../../journal/errors.ts';
import { conditionOf, type Conditions } from '../../telemetry/conditions.ts';

export class FileWait {
  readonly #conditions: Conditions | null;
  readonly #key: string;
  #isRaised = false;

  /** The key is its own among those of the source. Without conditions nothing is told. */
  constructor(conditions: Conditions | null, key: string) {
    this.#conditions = conditions;
    this.#key = `files ${key}`;
  }

  /** A try has failed, with what it would end with if that lasted. */
  failed(about: string, error: TidemarkError): void {
    this.#isRaised = true;
    this.#conditions?.raise(this.#key, conditionOf('retried', about, error));
  }

  /** It is as it should be, or nobody waits for it any more. */
  over(): void {
    if (this.#isRaised) this.#conditions?.clear(this.#key);
    this.#isRaised = false;
  }
}
