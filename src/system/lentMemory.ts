/**
 * Memory that its owner uses again. A borrower gives it back once, and does not touch it afterwards. Both are
 * checked here: for each buffer, never for each record.
 */
import { TidemarkError } from '../../journal/errors.ts';

export interface Lender<T> {
  /** The borrower is done: `value` may be lent to somebody else. */
  takeBack(value: T): void;
}

/** Of memory that is never used again. */
export const FOR_GOOD: Lender<unknown> = { takeBack: () => undefined };

export class Lent<T extends object> {
  #value: T | null;
  readonly #lender: Lender<T>;

  constructor(value: T, lender: Lender<NoInfer<T>>) {
    this.#value = value;
    this.#lender = lender;
  }

  /** Throws INTERNAL once it is given back: it may be somebody else's. */
  get value(): T {
    if (this.#value === null) throw new TidemarkError('INTERNAL', 'Memory is used that was given back.');
    return this.#value;
  }

  /** Throws INTERNAL once it is given back: call it before what belongs to the value is read. */
  check(): void {
    if (this.#value === null) throw new TidemarkError('INTERNAL', 'Memory is used that was given back.');
  }

  /** Throws INTERNAL the second time: it would be lent to two borrowers at once. */
  giveBack(): void {
    const { value } = this;
    this.#value = null;
    this.#lender.takeBack(value);
  }
}
