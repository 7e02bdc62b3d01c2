/**
 * A kind of format: the content of a part file. Each kind has a folder here, and a line in
 * src/app/registeredKinds.ts.
 */
import type { z } from 'zod';
import type { TopicPartition } from '../../journal/ids.ts';
import type { KeyProblem } from '../../kernels/schema/parts.ts';
import type {
  Compression,
  Decode,
  Envelope,
  FormatSettings,
  LineFeeds,
  ValueSchema,
} from '../config/jobConfig.ts';
import type { Codec } from './compression/codec.ts';
import { CODECS, makeCodec } from './compression/codecs.ts';
import type { RecordFormat } from './format.ts';

/** What the job file says of the content of part files. */
export interface Content {
  readonly envelope: Envelope;
  readonly keyDecode: Decode;
  readonly valueDecode: Decode;
  readonly lineFeeds: LineFeeds;
  /** Null if the job file names none. */
  readonly schema: ValueSchema | null;
  readonly compression: Compression | null;
  /** What `toSettings` gave. */
  readonly settings: FormatSettings;
}

/** The same before it is known to fit together: a key that is invalid by itself is undefined. */
export interface ContentKeys {
  /** Undefined also if it is not given. */
  readonly envelope: Envelope | undefined;
  readonly keyDecode: Decode | undefined;
  readonly valueDecode: Decode | undefined;
  /** Whether the job file names one, be it valid or not. */
  readonly hasSchema: boolean;
  readonly schema: (ValueSchema & { readonly file: string }) | undefined;
}

export interface CompressionChoice {
  readonly name: string;
  readonly description: string;
  /** Added to the suffix of its files. */
  readonly suffix: string;
  /** Null: it has no levels. */
  readonly level: { readonly least: number; readonly most: number; readonly usual: number } | null;
}

export interface FormatKind {
  /** The value of `sink.format`. */
  readonly name: string;
  /** A sentence for people. */
  readonly description: string;
  /** The default suffix of its files, like `.json`; empty for none. */
  readonly suffix: string;
  readonly envelopes: readonly Envelope[];
  /** The envelope of a job file that names none. */
  usualEnvelope(hasSchema: boolean): Envelope;
  /** Whether `value.schema` means something. */
  readonly takesSchema: boolean;
  /** Whether `value.lineFeeds` means something: a value is a line as it is. */
  readonly takesLineFeeds: boolean;
  /** Besides `none`, which every format has. */
  readonly compressions: readonly CompressionChoice[];
  /** The name of one of them, or `none`. */
  readonly usualCompression: string;
  /** Least default of `memory`, without the store's, in bytes. Null: it needs no more than usual. */
  readonly memoryBytes: number | null;
  /** Keys below `sink` that it reads in addition to the common ones; all of them are optional. */
  keys(): z.core.$ZodLooseShape;
  /** Contradictions between its keys, with their paths in the job file. */
  problems(keys: ContentKeys): readonly KeyProblem[];
  /** @param sink the keys below `sink`, checked. */
  toSettings(sink: Readonly<Record<string, unknown>>): FormatSettings;
  /** What compresses the lines of its files; null if nothing does, or if it is inside of the format. */
  codecOf(compression: Compression | null): Codec | null;
  /**
   * Of formats of rows: memory of the rows of an open file, in bytes, at which their group ends. Absent for
   * formats of lines.
   */
  rowGroupBytes?(content: Content): number;
  /** Journaled for each part file: whatever changes what is written changes it. Without a dot. */
  id(content: Content): string;
  /** For the router of one partition. */
  recordsOf(partition: TopicPartition, content: Content): RecordFormat;
  /** How the keys were understood, for people: names with a sentence each. */
  facts(content: Content): readonly (readonly [name: string, fact: string])[];
}

/** What formats of lines have in common: compression is around them, and they have no keys of their own. */
export const OF_LINES = {
  usualEnvelope: (): Envelope => 'value',
  takesSchema: false,
  takesLineFeeds: false,
  compressions: CODECS,
  usualCompression: 'none',
  memoryBytes: null,
  keys: () => ({}),
  problems: () => [],
  toSettings: () => ({}),
  codecOf: (compression: Compression | null): Codec | null =>
    compression === null ? null : makeCodec(compression.codec, compression.level),
  facts: () => [],
} as const;
