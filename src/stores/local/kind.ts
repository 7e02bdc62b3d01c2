/** A destination in a folder of this machine. */
import type { SinkConfig } from '../../config/jobConfig.ts';
import type { StoreKind } from '../kind.ts';
import { fileSinkUri, folderProblem } from './path.ts';

export interface FileSinkConfig extends SinkConfig {
  readonly type: 'file';
}

/** Takes every path, so it is the last of the kinds: a path that reaches it is of no other kind. */
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
  memoryBytes: () => 0,
  async open() {
    const { createFileStore } = await import('./store.ts');
    return createFileStore();
  },
  async probe({ uri }, { scratchUri }) {
    const [{ localProbe }, { systemClock }] = await Promise.all([
      import('./probe.ts'),
      import('../../system/clock.ts'),
    ]);
    return localProbe({ sinkUri: uri, scratchUri, nowMs: () => systemClock.nowMs() });
  },
  describe: () => '',
  facts: () => ({}),
};
