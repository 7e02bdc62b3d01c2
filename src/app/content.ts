/** What the typed job says of the content of its part files, for its kind of format. */
import type { JobConfig } from '../config/jobConfig.ts';
import { formatId, type PartFormat } from '../formats/format.ts';
import type { Content } from '../formats/kind.ts';
import { formatKindOf, type JobKinds } from './registeredKinds.ts';

export function contentOf({ sink, key, value }: Pick<JobConfig, 'sink' | 'key' | 'value'>): Content {
  const { envelope, compression, formatSettings = {} } = sink;
  return {
    ...{ envelope, compression, settings: formatSettings, schema: value.schema ?? null },
    ...{ keyDecode: key.decode, valueDecode: value.decode, lineFeeds: value.lineFeeds },
  };
}

/** How the job's records become the content of its files. */
export function partFormatOf(config: JobConfig, kinds: JobKinds): PartFormat {
  const kind = formatKindOf(kinds, config.sink);
  const content = contentOf(config);
  const codec = kind.codecOf(content.compression);
  return {
    id: formatId(kind.id(content), codec),
    codec,
    tombstones: config.value.tombstones,
    recordsOf: (partition) => kind.recordsOf(partition, content),
  };
}
