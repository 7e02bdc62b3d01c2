import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import { checkoutDir, FLOORS, textOf, writtenFiles } from './sources.ts';

const pages = writtenFiles().filter((file) => file.endsWith('.md'));
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** Blocks of a language, with the page that holds them. */
function blocks(language: string, among = pages): { readonly page: string; readonly text: string }[] {
  return among.flatMap((page) =>
    [...textOf(page).matchAll(new RegExp('```' + language + '\\n([\\s\\S]*?)```', 'g'))].map(
      ([, text = '']) => ({
        page,
        text,
      }),
    ),
  );
}

/** Every command line that the pages show, without its comment. */
const commands = blocks('sh').flatMap(({ page, text }) =>
  text
    .split('\n')
    .flatMap((line) => line.replace(/\s+#.*$/, '').split(' && '))
    .filter((line) => line.trim() !== '')
    .map((line) => ({ page, words: line.trim().split(/\s+/) })),
);

describe('docs/architecture.md', () => {
  const page = textOf('docs/architecture.md');
  /** Cells of the rows between a heading and the next. */
  const rowsBelow = (heading: string): readonly (readonly string[])[] => {
    const [, section = ''] = page.split(`\n## ${heading}\n`);
    const [text = ''] = section.split('\n## ');
    return [...text.matchAll(/^\|(.*)\|$/gm)]
      .slice(2)
      .map(([, row = '']) => row.split('|').map((cell) => cell.trim()));
  };

  it('describes every floor of the house, from top to bottom', () => {
    expect(rowsBelow('Rooms').map(([floor]) => floor)).toEqual(FLOORS.map((floor) => `\`${floor}/\``));
  });

  it('says of every floor where else it is tested', () => {
    expect(rowsBelow('Where the tests are').map(([floor]) => floor)).toEqual(
      FLOORS.map((floor) => `\`${floor}/\``),
    );
  });

  it('is right that unit tests lie in the folders of their sources', () => {
    const folders = writtenFiles()
      .filter((file) => /^test\/unit\/.*\.test\.ts$/.test(file))
      .map((file) => path.posix.dirname(file).slice('test/unit/'.length));
    const isThere = (folder: string): boolean =>
      [folder, `src/${folder}`].some((source) => existsSync(path.join(checkoutDir, source)));
    expect(folders.length).toBeGreaterThan(60);
    expect([...new Set(folders)].filter((folder) => !isThere(folder))).toEqual([]);
  });

  it('says for each change which file to open first', () => {
    const changes = rowsBelow('To change something');
    expect(changes.length).toBeGreaterThan(12);
    for (const [change, first = ''] of changes) {
      const [, file = ''] = /`([^`]+)`/.exec(first) ?? [];
      expect(existsSync(path.join(checkoutDir, file)), `${change ?? ''}: ${first}`).toBe(true);
    }
  });
});

describe('the pages', () => {
  it('link to files that are there', () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => path.posix.join(path.posix.dirname(page), target))
        .filter((target) => !existsSync(path.join(checkoutDir, target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('name sources that are there', () => {
    const isSource = (name: string): boolean =>
      /^(bin|sim|src|actors|journal|kernels|test|servers|scripts|bench|examples|docs)\/[\w./-]*$/.test(name);
    // Decisions tell of their own time.
    const named = pages
      .filter((page) => !page.startsWith('docs/decisions/') && page !== 'CHANGELOG.md')
      .flatMap((page) => [...textOf(page).matchAll(/`([^`\s]+)`/g)].map(([, name = '']) => ({ page, name })))
      .filter(({ name }) => isSource(name));
    expect(named.length).toBeGreaterThan(60);
    const missing = named.filter(({ name }) => !existsSync(path.join(checkoutDir, name)));
    expect(missing).toEqual([]);
  });

  it('name scripts of npm that are there', () => {
    const scriptOf = ([npm, verb, name]: readonly string[]): string | null =>
      npm !== 'npm' || verb === 'ci' || verb === 'pack' ? null : verb === 'run' ? (name ?? '') : (verb ?? '');
    const named = commands.map(({ words }) => scriptOf(words)).filter((name) => name !== null);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('show commands and options of tidemark that are there', () => {
    const io = { stdout: { write: () => true }, stderr: { write: () => true } } as unknown as CliIo;
    const known = new Map(createProgram(io).command.commands.map((command) => [command.name(), command]));
    const shown = commands.filter(({ words }) => words[0] === 'npx' && words[1] === 'tidemark');
    expect(shown.length).toBeGreaterThan(6);
    for (const { page, words } of shown) {
      const first = known.get(words[2] ?? '');
      const command = first?.commands.find((one) => one.name() === words[3]) ?? first;
      expect(command, `${page}: ${words.join(' ')}`).toBeDefined();
      const options = words
        .map((word) => word.replace(/^\[|\]$/g, ''))
        .filter((word) => /^--?[a-zA-Z]/.test(word));
      const missing = options.filter(
        (one) => !command?.options.some(({ short, long }) => short === one || long === one),
      );
      expect(missing, `${page}: ${words.join(' ')}`).toEqual([]);
    }
  });

  it('show job files that are valid', () => {
    const jobs = blocks('yaml').filter(({ text }) => /^job:/m.test(text));
    expect(jobs.length).toBeGreaterThan(1);
    const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-docs-'));
    try {
      for (const { text } of jobs) {
        writeFileSync(path.join(folder, 'job.yaml'), text);
        expect(() => loadJobConfig({ path: 'job.yaml', env: {}, cwd: folder })).not.toThrow();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
