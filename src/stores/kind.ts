/**
 * A kind of destination: everything that the rest of the program knows about it. Each kind has a folder here,
 * and a line in src/app/registeredKinds.ts.
 */
import type { z } from 'zod';
import type { SchemaContext } from '../../kernels/schema/outside.ts';
import type { KeyProblem } from '../../kernels/schema/parts.ts';
import type { SinkConfig } from '../config/jobConfig.ts';
import type { Log } from '../telemetry/log.ts';
import type { Store } from './port.ts';

export interface StoreOpening {
  readonly log: Log;
  /** Absolute path of a folder beside the job file, for state of this machine only. */
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Cache folder of this user. Null for a user without a home. */
  readonly cacheHome: string | null;
  /** Number of threads in the libuv pool. */
  readonly poolThreads: number;
}

export interface StoreKind<Config extends SinkConfig = SinkConfig, Parsed = unknown> {
  /** `type` of its configuration. */
  readonly name: string;
  /** For people: an example of `sink.path`, and what such a path is. */
  readonly pathExample: string;
  readonly pathIs: string;
  /**
   * Keys below `sink` that it reads in addition to the common ones. Kinds may share a key if it has one
   * meaning.
   */
  keys(context: SchemaContext): z.core.$ZodLooseShape;
  /**
   * Whether the keys below `sink`, which may be invalid, are of this kind. The first kind in the list that
   * returns true is used.
   */
  takes(sink: Readonly<Record<string, unknown>>): boolean;
  /** The problem of the path itself, or null. Omits the path's value if that may hold a secret. */
  pathProblem(path: string, baseDir: string): string | null;
  /** Contradictions between its keys. Does not report keys that are invalid by themselves. */
  problems(sink: Readonly<Record<string, unknown>>, context: SchemaContext): readonly KeyProblem[];
  /**
   * The destination's folder as the journal records it (SinkConfig.uri). Called only for a path without a
   * problem.
   */
  uri(path: string, baseDir: string): string;
  toConfig(parsed: Parsed, common: Omit<SinkConfig, 'type'>, context: SchemaContext): Config;
  /** Bytes of the process's memory that it may use besides the job's buffers. */
  memoryBytes(config: Config): number;
  open(config: Config, opening: StoreOpening): Promise<Store>;
  /**
   * How the keys were interpreted, without credentials. `describe` returns a sentence, empty if the URI says
   * it all; `facts` returns fields.
   */
  describe(config: Config): string;
  facts(config: Config): Readonly<Record<string, string | null>>;
}
