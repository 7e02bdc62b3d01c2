declare const brand: unique symbol;
/** A distinct type by name, so that a plain string or number is never mistaken for one. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
