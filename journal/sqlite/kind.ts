/** The embedded journal: one database file, one coordinator. */
import path from 'node:path';
import { filePath, type SchemaContext } from '../../kernels/schema/outside.ts';
import { map } from '../../kernels/schema/parts.ts';
import type { JournalKind } from '../kind.ts';

/** What every database of SQLite begins with. */
const SQLITE_HEAD = 'SQLite format 3\0';

export interface SqliteJournalConfig {
  readonly type: 'sqlite';
  /** Absolute path of the database file. */
  readonly path: string;
}

export const SQLITE_JOURNAL: JournalKind<SqliteJournalConfig, { readonly path: string }> = {
  name: 'sqlite',
  isShared: false,
  schema: (context: SchemaContext) =>
    map({
      path: filePath(context, 'the path of a database file')
        .prefault(path.join('.tidemark', 'journal.db'))
        .meta({ description: 'Database file; created where it is missing.' }),
    }).meta({ description: 'Embedded: one coordinator, one disk.' }),
  toConfig: ({ path: file }) => ({ type: 'sqlite', path: file }),
  describe: ({ path: file }) => ({ place: file, details: '' }),
  async open({ path: file }, { access }) {
    const { openSqliteJournal } = await import('./journal.ts');
    return openSqliteJournal({
      path: file,
      access: access === 'read' ? 'read' : 'own',
      createIfMissing: access === 'create',
    });
  },
  async probe({ path: file }, { scratchId }) {
    const { sqliteProbe } = await import('./probe.ts');
    return sqliteProbe({ path: file, scratchId });
  },
  async openPresence({ path: file }) {
    const { openFilePresence } = await import('./presence.ts');
    return openFilePresence(file);
  },
  ownBackups: {
    recognizes: (head) => head.toString('latin1').startsWith(SQLITE_HEAD),
    async open(file) {
      const { openSqliteJournal } = await import('./journal.ts');
      return openSqliteJournal({ path: file, access: 'read', createIfMissing: false });
    },
  },
  async backup(config, copying) {
    const { backupSqlite } = await import('./backup.ts');
    return backupSqlite({ ...copying, path: config.path });
  },
  async restore(config, copying) {
    const { restoreSqlite } = await import('./backup.ts');
    return restoreSqlite({ ...copying, path: config.path });
  },
  async importCopy(config, importing) {
    const { importSqlite } = await import('./import.ts');
    return importSqlite({ ...importing, path: config.path });
  },
};
