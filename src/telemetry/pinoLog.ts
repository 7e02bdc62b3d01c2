/** The log through pino: one JSON object per line, or lines for people. */
import { pino } from 'pino';
import pinoPretty from 'pino-pretty';
import type { Log } from './log.ts';
import { loggedErrorLines, toLoggableFields } from './loggable.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFormat = 'json' | 'pretty';

/** Whether the log is for people: what was asked for, else if a terminal shows it. */
export function isForPeople(
  format: LogFormat | undefined,
  { isTTY }: { readonly isTTY?: boolean | undefined },
): boolean {
  return format === undefined ? isTTY === true : format === 'pretty';
}

export interface PinoLogOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON. */
  readonly isHuman: boolean;
  readonly hasColour: boolean;
  /** Gets whole lines, with their line feed. */
  readonly write: (line: string) => void;
}

export function createPinoLog(options: PinoLogOptions): Log {
  const write = options.isHuman ? prettyWrite(options) : options.write;
  const loggable = options.isHuman
    ? (fields: object) => toLoggableFields(fields)
    : (fields: object) => withStableFields(toLoggableFields(fields));
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: loggable,
      },
      // The formatter above has already converted every error to plain facts.
      serializers: { err: (error: unknown) => error },
    },
    { write },
  );
  return wrap(root);
}

/** Names that whoever filters lines can rely on: the code of an error, and the topic of a partition. */
function withStableFields(fields: Record<string, unknown>): Record<string, unknown> {
  const { err, partition } = fields;
  const code = typeof err === 'object' && err !== null && 'code' in err ? err.code : undefined;
  const topic = typeof partition === 'string' ? /^(.*)\/\d+$/s.exec(partition)?.[1] : undefined;
  return {
    ...(code === undefined ? {} : { code }),
    ...(topic === undefined ? {} : { topic }),
    ...fields,
  };
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(toLoggableFields(fields))),
  };
}

/** `[12:00:00.000] INFO: message  key=value ...`, and an error's chain on separate lines. */
function prettyWrite({ hasColour, write }: PinoLogOptions): (line: string) => void {
  const pretty = pinoPretty.prettyFactory({
    colorize: hasColour,
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
  });
  const dim = (text: string): string => (hasColour && text !== '' ? `\u001b[2m${text}\u001b[22m` : text);
  return (line) => {
    const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const facts = Object.entries(fields).map(([key, value]) => ` ${key}=${shown(value)}`);
    const first = pretty({ level, time, msg: `${String(msg)} ${dim(facts.join(''))}`.trimEnd() });
    const chain = err === undefined ? [] : loggedErrorLines(err).map((text) => `    ${text}\n`);
    write(first + chain.join(''));
  };
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
