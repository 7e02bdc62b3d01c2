/** A retry that concerns a source file. It is one of the process's conditions while it lasts. */
import type { TidemarkError } from '../../../journal/errors.ts';
import { conditionOf, type Conditions } from '../../telemetry/conditions.ts';

export class FileWait {
  readonly #conditions: Conditions | null;
  readonly #key: string;
  #isRaised = false;

  /** The key is unique within the source. Without conditions nothing is reported. */
  constructor(conditions: Conditions | null, key: string) {
    this.#conditions = conditions;
    this.#key = `files ${key}`;
  }

  /** Reports a failed try, with the error that it would end with if it lasted. */
  failed(about: string, error: TidemarkError): void {
    this.#isRaised = true;
    this.#conditions?.raise(this.#key, conditionOf('retried', about, error));
  }

  /** The retry succeeded, or nobody waits for it any more. */
  over(): void {
    if (this.#isRaised) this.#conditions?.clear(this.#key);
    this.#isRaised = false;
  }
}
