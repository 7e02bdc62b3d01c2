import { expect, it } from 'vitest';
import { rowsUri, temporaryUri } from '../../../actors/naming.ts';
import { temporaryName } from '../../../actors/temporaryNames.ts';
import { partId } from '../../../journal/ids.ts';

const ID = partId('0123456789abcdef0123456789abcdef');
const OTHER = 'fedcba9876543210fedcba9876543210';
const FOLDER = 'file:///lake/dt=1';
const DATA = temporaryUri(FOLDER, ID);

it.each([
  [DATA, 'data', DATA],
  [`${DATA}.p`, 'publishing', DATA],
  [rowsUri(DATA), 'rows', DATA],
  [`${DATA}.4096`, 'sideObject', DATA],
  [`${DATA}.end-${OTHER}`, 'sideObject', DATA],
  [`${DATA}-kept-${OTHER}`, 'kept', `${DATA}-kept-${OTHER}`],
  [`${DATA}-kept-${OTHER}.p`, 'publishing', `${DATA}-kept-${OTHER}`],
])('%s is %s of what is journaled', (uri, kind, journaledUri) => {
  expect(temporaryName(uri)).toEqual({ kind, journaledUri, keptOf: uri.includes('-kept-') ? ID : null });
});

it.each([
  `${FOLDER}/part-clicks-0-00000000000000000000`,
  `${FOLDER}/tidemark-${ID}`,
  `${FOLDER}/.tidemark-${ID}x`,
  `${FOLDER}/.tidemark-${ID}.`,
  `${FOLDER}/.tidemark-${ID}.p.p`,
  `${FOLDER}/.tidemark-${ID}.bak`,
  `${FOLDER}/.tidemark-${ID.toUpperCase()}`,
  `${FOLDER}/.tidemark-${ID.slice(1)}`,
  `${FOLDER}/.tidemark-rows-rows-${ID}`,
  `${FOLDER}/.tidemark-${ID}/part`,
  `${FOLDER}/.tidemark`,
])('%s is none, though it may begin like one', (uri) => {
  expect(temporaryName(uri)).toBeNull();
});
