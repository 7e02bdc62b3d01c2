/** docs/states.md: a diagram and a table per machine, generated from the machines. */
import type { AnyStateMachine } from 'xstate';
import { toDirectedGraph, type DirectedGraphEdge, type DirectedGraphNode } from 'xstate/graph';
import { bucketMachine } from '../actors/bucket.ts';
import { coordinatorMachine } from '../actors/coordinator.ts';
import { partFileMachine } from '../actors/partFile.ts';
import { partitionMachine } from '../actors/partition.ts';

interface Chapter {
  readonly title: string;
  readonly machine: AnyStateMachine;
  readonly text: string;
}

const chapters: readonly Chapter[] = [
  {
    title: 'Coordinator',
    machine: coordinatorMachine,
    text:
      "One process's part in a job: it joins, keeps an actor for every partition that it is assigned, and " +
      'drains when it is asked to.',
  },
  {
    title: 'Partition',
    machine: partitionMachine,
    text:
      'One topic-partition in one epoch of one owner; the next claim has a machine of its own. Journaled ' +
      'events (past facts such as `epochClaimed`) and events of the process (`replayed`, `settled`, ' +
      '`retiring`, `checkpointStarted`, `checkpointFailed`, `fenced`, `halted`) take their turn together; ' +
      'only the journaled ones are seen again at replay, which is why `replaying` takes them all.',
  },
  {
    title: 'Bucket',
    machine: bucketMachine,
    text: 'One folder of a partition, as long as it holds part files that are not committed.',
  },
  {
    title: 'Part file',
    machine: partFileMachine,
    text:
      'One output file. Rolling is no state: a rolled file is closed to records in memory, and becomes ' +
      '`pending` only by a completed checkpoint.',
  },
];

const PREAMBLE =
  '# States\n\n' +
  'Every actor is a pure state machine in `actors/`. ' +
  'An event that its state does not list is an error that stops the partition; it is\n' +
  'never ignored. The guard of a transition stands in brackets. ' +
  'This page is made from the machines by `npm run generate`; a test\n' +
  'fails when it is stale.\n';

export function diagramsPage(): string {
  return [PREAMBLE, ...chapters.map(chapterText)].join('\n');
}

function chapterText({ title, machine, text }: Chapter): string {
  const states = toDirectedGraph(machine).children;
  return `## ${title}\n\n${text}\n\n${diagram(machine, states)}\n\n${stateTable(states)}\n`;
}

function diagram(machine: AnyStateMachine, states: readonly DirectedGraphNode[]): string {
  const lines = ['```mermaid', 'stateDiagram-v2', ...initialKeys(machine).map((key) => `  [*] --> ${key}`)];
  for (const { from, to, labels } of mergedEdges(states)) {
    lines.push(`  ${from} --> ${to}: ${labelText(labels)}`);
  }
  for (const { stateNode } of states)
    if (stateNode.type === 'final') lines.push(`  ${stateNode.key} --> [*]`);
  return [...lines, '```'].join('\n');
}

function initialKeys({ root }: AnyStateMachine): readonly string[] {
  return root.initial.target.map((node) => node.key);
}

interface MergedEdge {
  readonly from: string;
  readonly to: string;
  readonly labels: readonly string[];
}

/**
 * Transitions between the same two states share one arrow. The root's wildcard, which rejects, is not among
 * them.
 */
function mergedEdges(states: readonly DirectedGraphNode[]): readonly MergedEdge[] {
  const merged = new Map<string, MergedEdge>();
  for (const edge of states.flatMap(({ edges }) => edges)) {
    const [from, to] = [edge.source.key, edge.target.key];
    const before = merged.get(`${from} ${to}`)?.labels ?? [];
    const label = edgeLabel(edge);
    merged.set(`${from} ${to}`, { from, to, labels: before.includes(label) ? before : [...before, label] });
  }
  return [...merged.values()];
}

function edgeLabel({ label, transition: { guard } }: DirectedGraphEdge): string {
  return typeof guard === 'string' ? `${label.text} [${guard}]` : label.text;
}

const LABELS_PER_LINE = 2;

/**
 * Mermaid ends a label at a colon, a semicolon or the end of the line; names of events and guards contain
 * none of them.
 */
function labelText(labels: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < labels.length; at += LABELS_PER_LINE) {
    lines.push(labels.slice(at, at + LABELS_PER_LINE).join(', '));
  }
  return lines.join('<br/>');
}

function stateTable(states: readonly DirectedGraphNode[]): string {
  const rows = states.map(({ stateNode }) => `| ${stateNode.key} | ${stateNode.description ?? ''} |`);
  return ['| state | meaning |', '|---|---|', ...rows].join('\n');
}
