/** The log as the rest of Tidemark sees it: facts as fields, one sentence as message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  /** The field `err` holds the error. */
  error(fields: object, message: string): void;
  /** The same log, with these fields in every line. */
  child(fields: object): Log;
}

const drop = (): void => undefined;

export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLog };
