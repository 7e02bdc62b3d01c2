/** A folder of this machine as destination. */
import type { SinkConfig } from '../../config/jobConfig.ts';
import type { StoreKind } from '../kind.ts';
import { fileSinkUri, folderProblem } from './path.ts';

export interface FileSinkConfig extends SinkConfig {
  readonly type: 'file';
}

/** It takes every path, so that it is the last of the kinds: what it does not know has no other kind. */
export const LOCAL_STORE: StoreKind<FileSinkConfig> = {
  name: 'file',
  pathExample: 'file:///var/lake/clicks, a path',
  pathIs: 'a folder of this machine',
  keys: () => ({}),
  takes: () => true,
  pathProblem: folderProblem,
  problems: () => [],
  uri: fileSinkUri,
  toConfig: (_parsed, common) => ({ ...common, type: 'file' }),
  memoryBytes: 0,
  async open() {
    const { createFileStore } = await import('./store.ts');
    return createFileStore();
  },
  describe: () => '',
  facts: () => ({}),
};
