/** Kinds of destinations: all that the rest of the program knows of one. Each has a folder here, and a line in src/app/kinds.ts. */
import type { z } from 'zod';
import type { SchemaContext } from '../../kernels/schema/outside.ts';
import type { KeyProblem } from '../../kernels/schema/parts.ts';
import type { SinkConfig } from '../config/jobConfig.ts';
import type { Log } from '../telemetry/log.ts';
import type { Store } from './port.ts';

export interface StoreOpening {
  readonly log: Log;
  /** Beside the job file, absolute: what concerns this machine only. */
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where this user's caches are; null for a user without a home. */
  readonly cacheHome: string | null;
  /** Threads of the libuv pool. */
  readonly poolThreads: number;
}

export interface StoreKind<Config extends SinkConfig = SinkConfig, Parsed = unknown> {
  /** Type of its configuration. */
  readonly name: string;
  /** What `sink.path` looks like, and what such a path is, for people. */
  readonly pathExample: string;
  readonly pathIs: string;
  /** Keys below `sink` that it reads beside those of every destination. Kinds may share a key, with one meaning. */
  keys(context: SchemaContext): z.core.$ZodLooseShape;
  /** Whether the keys below `sink`, which may be wrong, are its own. The first kind of the list that says so takes them. */
  takes(sink: Readonly<Record<string, unknown>>): boolean;
  /** What is wrong with the path by itself, without its value where that may hold a secret; null where nothing is. */
  pathProblem(path: string, baseDir: string): string | null;
  /** What its keys contradict. Silent about keys that are wrong by themselves. */
  problems(sink: Readonly<Record<string, unknown>>, context: SchemaContext): readonly KeyProblem[];
  /** The destination's folder as the journal knows it (SinkConfig.uri); asked for a path without a problem. */
  uri(path: string, baseDir: string): string;
  toConfig(parsed: Parsed, common: Omit<SinkConfig, 'type'>, context: SchemaContext): Config;
  /** What it may take of the process's memory beside the buffers of the job. */
  readonly memoryBytes: number;
  open(config: Config, opening: StoreOpening): Promise<Store>;
  /** What the keys were understood as, nothing of its credentials: as a sentence, empty where the URI says it, and as fields. */
  describe(config: Config): string;
  facts(config: Config): Readonly<Record<string, string | null>>;
}
