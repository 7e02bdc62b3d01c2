import { describeOssHdfs } from './ossHdfsSuite.ts';

await describeOssHdfs({ rename: 'refuses', recovered: 'uploaded' });
