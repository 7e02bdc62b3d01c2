import { describeOssHdfs } from './ossHdfsSuite.ts';

await describeOssHdfs({ rename: 'replaces', recovered: 'flushed' });
