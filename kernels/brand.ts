declare const brand: unique symbol;
/** A type of its own by name, so that a plain string or number is never taken for one. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
