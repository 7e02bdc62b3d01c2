import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { toDirectedGraph } from 'xstate/graph';
import { bucketMachine } from '../../actors/bucket.ts';
import { coordinatorMachine } from '../../actors/coordinator.ts';
import { partFileMachine } from '../../actors/partFile.ts';
import { partitionMachine } from '../../actors/partition.ts';
import { diagramsPage } from '../../scripts/generateDiagrams.ts';
import { textOf } from './sources.ts';

const machines: readonly AnyStateMachine[] = [
  coordinatorMachine,
  partitionMachine,
  bucketMachine,
  partFileMachine,
];

/** The Mermaid diagrams of a page, each as its lines. */
function diagramsOf(page: string): readonly (readonly string[])[] {
  return [...page.matchAll(/```mermaid\n([\s\S]*?)```/g)].map(([, text = '']) => text.trimEnd().split('\n'));
}

/** `from --> to`, by the names of states; `[*]` is the begin and the end. */
function arrowOf(line: string): string | null {
  const [, from, to] = /^ {2}(\[\*\]|\w+) --> (\[\*\]|\w+)(?:: .*)?$/.exec(line) ?? [];
  return from === undefined || to === undefined ? null : `${from} --> ${to}`;
}

function arrowsOf(machine: AnyStateMachine): string[] {
  const { children } = toDirectedGraph(machine);
  const begins = machine.root.initial.target.map((node) => `[*] --> ${node.key}`);
  const ends = children
    .filter(({ stateNode }) => stateNode.type === 'final')
    .map(({ stateNode }) => `${stateNode.key} --> [*]`);
  const between = children.flatMap(({ edges }) =>
    edges.map((edge) => `${edge.source.key} --> ${edge.target.key}`),
  );
  return [...new Set([...begins, ...between, ...ends])];
}

describe('docs/states.md', () => {
  const diagrams = diagramsOf(diagramsPage());

  it('draws every machine, every arrow of it once and no other', () => {
    const drawn = diagrams.map((lines) => lines.slice(1).map(arrowOf).sort());
    expect(drawn).toEqual(machines.map((machine) => arrowsOf(machine).sort()));
  });

  it('names every event and describes every state', () => {
    const page = diagramsPage();
    for (const { stateNode, edges } of machines.flatMap((machine) => toDirectedGraph(machine).children)) {
      expect(stateNode.description, `${stateNode.id} needs a description`).toMatch(/^[A-Z].*\.$/);
      expect(page).toContain(`| ${stateNode.key} | ${stateNode.description ?? ''} |`);
      for (const edge of edges) expect(page).toContain(edge.label.text);
    }
  });

  it('is Mermaid: each line is an arrow, and no label holds what would end it', () => {
    for (const [head, ...lines] of diagrams) {
      expect(head).toBe('stateDiagram-v2');
      expect(lines.filter((line) => arrowOf(line) === null)).toEqual([]);
      expect(lines.filter((line) => /[:;#"]/.test(line.replace(/^[^:]*: /, '')))).toEqual([]);
    }
  });
});

describe('docs/architecture.md', () => {
  it('draws only arrows that the machines have', () => {
    const known = new Set(machines.flatMap(arrowsOf));
    const drawn = diagramsOf(textOf('docs/architecture.md'))
      .filter(([head]) => head === 'stateDiagram-v2')
      .flatMap((lines) => lines.slice(1).map(arrowOf));
    expect(drawn.length).toBeGreaterThan(10);
    expect(drawn.filter((arrow) => arrow === null || !known.has(arrow))).toEqual([]);
  });
});
