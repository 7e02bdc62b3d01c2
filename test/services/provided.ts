/** What the global setup tells every test file, through vitest's `provide` and `inject`. */
export type ProvidedServices =
  | {
      readonly type: 'running';
      readonly kafkaBrokers: string;
      readonly natsUrl: string;
      /** Why tests cannot start servers of their own, although the shared ones run. */
      readonly noOwnServers: string | null;
    }
  | { readonly type: 'unavailable'; readonly reason: string }
  /** No test file of this run asked for any. */
  | { readonly type: 'unused' };

declare module 'vitest' {
  interface ProvidedContext {
    services: ProvidedServices;
  }
}
