import { describeTable, MUTATIONS } from './table.ts';

describeTable('the whole mutation table', MUTATIONS);
