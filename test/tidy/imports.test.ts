import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { FLOORS, lineOf, nodesIn, SHIPPED, sources, sourcesOf, type Import, type Source } from './sources.ts';

/** Rooms beside the house, and what they may use of one another; all may use every floor. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  servers: [],
  scripts: [],
  bench: ['scripts', 'servers'],
  examples: ['scripts'],
  test: ['bench', 'examples', 'scripts', 'servers'],
};

/** Of the command line, what may load the simulator: nobody who moves records pays for it. */
const LOADS_SIMULATOR = [
  ...['src/cli/commands/fuzz.ts', 'src/cli/commands/fuzzHistory.ts'],
  ...['src/cli/fuzzText.ts', 'src/cli/fuzzHistoryText.ts'],
];

/** Folders of kinds: a kind knows its room's port, never another kind. */
const KINDS = [
  ...['src/sources/kafka', 'src/sources/files', 'src/stores/local', 'src/stores/ossHdfs'],
  ...['journal/jetstream', 'journal/sqlite', 'journal/memory'],
];

/** Pure libraries: state machines, calendars, schemas. */
const PURE_PACKAGES = ['xstate', 'luxon', 'zod'];

/** What reaches outside without an import, or tells the time. */
const IMPURE_GLOBALS = [
  ...[
    'process',
    'performance',
    'crypto',
    'fetch',
    'console',
    'globalThis',
    'WebSocket',
    'Worker',
    'WebAssembly',
  ],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
];
const IMPURE_MEMBERS = [
  ...['Date.now', 'Math.random', 'DateTime.now', 'DateTime.local', 'DateTime.utc', 'Settings.now'],
];

/** What a pure module may keep, with the reason. */
const MAY_KEEP: Readonly<Record<string, string>> = {
  'actors/step.ts tables': 'the table of a machine follows from the machine alone; it is made once',
};

/** The only ones that may read the environment among the shipped rooms. */
const READS_ENVIRONMENT = ['src/app/compose.ts', 'src/cli/main.ts'];

/** `src/run` of `src/run/coordinator.ts`, `journal` of `journal/port.ts`; null for a file at the top. */
function roomOf(file: string): string | null {
  const [first = '', second = '', third] = file.split('/');
  if (second === '') return null;
  return first === 'src' ? `${first}/${third === undefined ? '' : second}` : first;
}
const kindOf = (file: string): string | undefined => KINDS.find((kind) => file.startsWith(`${kind}/`));

function mayImport(from: string, to: string): boolean {
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom === null || toRoom === null || fromRoom === toRoom) return true;
  const beside = BESIDE[fromRoom];
  if (beside !== undefined) return beside.includes(toRoom) || FLOORS.includes(toRoom);
  return FLOORS.indexOf(fromRoom) < FLOORS.indexOf(toRoom);
}
const at = (source: Source, { line, specifier }: Import): string =>
  `${source.file}:${line} imports ${specifier}`;

describe('imports', () => {
  it('lead to floors below', () => {
    expect(importsThat((from, to) => !mayImport(from, to))).toEqual([]);
  });

  it('are of rooms that this test knows', () => {
    const rooms = new Set(sources().map(({ file }) => roomOf(file)));
    const known = [null, ...FLOORS, ...Object.keys(BESIDE)];
    expect([...rooms].filter((room) => !known.includes(room))).toEqual([]);
    expect(known.filter((room) => !rooms.has(room))).toEqual([]);
  });

  it('of the simulator are in its command alone', () => {
    const wrong = importsThat(
      (from, to) => from.startsWith('src/') && roomOf(to) === 'sim' && !LOADS_SIMULATOR.includes(from),
    );
    expect(wrong).toEqual([]);
  });

  it('of one kind never lead to another kind of the same room', () => {
    expect(KINDS.filter((kind) => !sources().some(({ file }) => kindOf(file) === kind))).toEqual([]);
    const wrong = importsThat((from, to) => {
      const [kind, other] = [kindOf(from), kindOf(to)];
      return kind !== undefined && other !== undefined && kind !== other && roomOf(from) === roomOf(to);
    });
    expect(wrong).toEqual([]);
  });

  it('of the Kafka client are in its folder alone', () => {
    const users = sourcesOf(...SHIPPED).flatMap((source) =>
      source.imports.filter(({ specifier }) => specifier === 'kafkajs').map((one) => at(source, one)),
    );
    expect(users.filter((user) => !user.startsWith('src/sources/kafka/client/'))).toEqual([]);
    expect(users.length).toBeGreaterThan(0);
  });

  it('name a file that exists, with its extension', () => {
    const known = new Set(sources().map(({ file }) => file));
    const wrong = sources().flatMap((source) =>
      source.imports
        .filter(({ file }) => file !== null && /\.[jt]s$/.test(file) && !known.has(file))
        .map((one) => at(source, one)),
    );
    expect(wrong).toEqual([]);
  });

  it('of kinds are only in the application, simulator and command line: coordinators know ports', () => {
    const coordinator = ['src/run', 'src/partition', 'src/job', 'src/writing'];
    const wrong = importsThat(
      (from, to) => coordinator.includes(roomOf(from) ?? '') && kindOf(to) !== undefined,
    );
    expect(wrong).toEqual([]);
  });
});

describe('actors/ and the ports of journal/ are pure', () => {
  const pure = closureOf([
    'journal/port.ts',
    'journal/events.ts',
    ...sourcesOf('actors').map(({ file }) => file),
  ]);

  it('they load no node: module and no client, nor does anything that they load', () => {
    const wrong = pure.flatMap((source) =>
      source.imports
        .filter(({ file, specifier }) => file === null && !PURE_PACKAGES.includes(specifier))
        .map((one) => at(source, one)),
    );
    expect(wrong).toEqual([]);
  });

  it('they know no clock, no chance, no timer and no process', () => {
    expect(pure.flatMap(impurities)).toEqual([]);
  });

  it('they keep nothing between calls', () => {
    expect(pure.flatMap(moduleState)).toEqual(Object.keys(MAY_KEEP));
  });

  it('there are some', () => {
    expect(pure.length).toBeGreaterThan(12);
  });
});

describe('the environment', () => {
  it('is read by the composition and the entry of the command line alone', () => {
    const wrong = sourcesOf(...SHIPPED)
      .filter(({ file }) => !READS_ENVIRONMENT.includes(file))
      .flatMap(({ file, tree }) =>
        membersIn(tree)
          .filter(({ name }) => name === 'process.env')
          .map(({ node }) => `${file}:${lineOf(tree, node)}`),
      );
    expect(wrong).toEqual([]);
  });
});

describe('a run', () => {
  const NEEDLESS = ['src/plan/', 'src/audit/', 'src/formats/parquet/read/', 'sim/', 'src/cli/commands/'];
  const COMMAND = [
    'src/cli/main.ts',
    'src/cli/commands/run.ts',
    'src/app/application.ts',
    'src/app/runJob.ts',
  ];
  const loaded = closureOf(COMMAND, { withLater: false });

  it('loads the code of no other command', () => {
    const needless = loaded.filter(({ file }) => NEEDLESS.some((folder) => file.startsWith(folder)));
    expect(needless.map(({ file }) => file)).toEqual(['src/cli/commands/run.ts']);
    const packages = loaded.flatMap((source) => source.imports.filter((one) => one.file === null));
    expect(packages.filter((one) => !one.isTypeOnly && one.specifier.startsWith('hyparquet'))).toEqual([]);
  });

  it('loads what runs a job', () => {
    expect(loaded.map(({ file }) => file)).toEqual(
      expect.arrayContaining(['src/run/coordinator.ts', 'src/writing/recordRouter.ts']),
    );
  });
});

function importsThat(isMeant: (from: string, to: string) => boolean): readonly string[] {
  return sources().flatMap((source) =>
    source.imports
      .filter(({ file }) => file !== null && isMeant(source.file, file))
      .map((one) => at(source, one)),
  );
}

/** The files and all that they load, types left out: those are gone at run time. */
function closureOf(files: readonly string[], { withLater } = { withLater: true }): readonly Source[] {
  const byFile = new Map(sources().map((source) => [source.file, source]));
  const found = new Map<string, Source>();
  const visit = (file: string): void => {
    const source = byFile.get(file);
    if (source === undefined || found.has(file)) return;
    found.set(file, source);
    for (const { file, isTypeOnly, isLater } of source.imports)
      if (file !== null && !isTypeOnly && (withLater || !isLater)) visit(file);
  };
  files.forEach(visit);
  return [...found.values()];
}

function membersIn(tree: ts.SourceFile): { readonly name: string; readonly node: ts.Node }[] {
  return nodesIn(tree).flatMap((node) =>
    ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)
      ? [{ name: `${node.expression.text}.${node.name.text}`, node }]
      : [],
  );
}

function impurities({ file, tree }: Source): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    found.push(`${file}:${lineOf(tree, node)} ${what}`);
  };
  for (const { name, node } of membersIn(tree)) if (IMPURE_MEMBERS.includes(name)) report(node, name);
  for (const node of nodesIn(tree)) {
    if (ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && isGlobal(node))
      report(node, node.text);
    if (
      ts.isNewExpression(node) &&
      node.expression.getText(tree) === 'Date' &&
      (node.arguments?.length ?? 0) === 0
    ) {
      report(node, 'new Date()');
    }
  }
  return found;
}

/** What a module keeps and may change: variables, and collections that are not declared as read only. */
function moduleState({ file, tree }: Source): string[] {
  return tree.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => {
    const isConst = (declarationList.flags & ts.NodeFlags.Const) !== 0;
    return declarationList.declarations
      .filter(({ type, initializer }) => {
        if (!isConst) return true;
        const isCollection =
          initializer !== undefined &&
          ts.isNewExpression(initializer) &&
          /(Map|Set|Array|ArrayBuffer)$/.test(initializer.expression.getText(tree));
        return isCollection && type?.getText(tree).startsWith('Readonly') !== true;
      })
      .map((declaration) => `${file} ${declaration.name.getText(tree)}`);
  });
}

/** Not the name of somebody's property. */
function isGlobal(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !(
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent)
  );
}
