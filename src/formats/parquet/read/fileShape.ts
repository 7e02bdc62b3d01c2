/** The shape of the rows of a file, as its metadata describes it. */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import {
  leafNode,
  listNode,
  mapNode,
  recordNode,
  ROOT,
  type Place,
  type RowNode,
  type ValueKind,
} from '../rowShape.ts';

/** Throws an Error if the encoder writes no such file. */
export const shapeOfFile = (root: SchemaTree): RowNode => groupNode(root, ROOT);

/** The columns from left to right, each with the nodes on the way from the root. */
export function columnPaths(root: SchemaTree): SchemaTree[][] {
  const paths: SchemaTree[][] = [];
  const visit = (node: SchemaTree, path: readonly SchemaTree[]): void => {
    const below = [...path, node];
    if (node.children.length === 0) paths.push(below);
    for (const child of node.children) visit(child, below);
  };
  visit(root, []);
  return paths;
}

function nodeOf(tree: SchemaTree, at: Omit<Place, 'isOptional'>): RowNode {
  const { repetition_type: repetition } = tree.element;
  if (repetition !== 'REQUIRED' && repetition !== 'OPTIONAL')
    throw strange(tree, 'is repeated, but in no list');
  const place = { ...at, isOptional: repetition === 'OPTIONAL' };
  return tree.children.length === 0 ? leafNode(place, kindOf(tree)) : groupNode(tree, place);
}

function groupNode(tree: SchemaTree, place: Place): RowNode {
  const { converted_type: converted } = tree.element;
  if (converted !== 'LIST' && converted !== 'MAP') {
    const fields = tree.children.map((child) => ({ name: child.element.name, tree: child }));
    return recordNode(place, fields, (field, at) => nodeOf(field.tree, at));
  }
  const [items] = tree.children;
  const [first, second] = items?.children ?? [];
  if (items?.element.repetition_type !== 'REPEATED' || first === undefined)
    throw strange(tree, 'has no items');
  if (converted === 'LIST') return listNode(place, (at) => nodeOf(first, at));
  if (second === undefined) throw strange(tree, 'is a map without values');
  return mapNode(place, (at) => nodeOf(second, at));
}

const TEXTS: readonly SchemaElement['converted_type'][] = ['UTF8', 'ENUM', 'JSON'];

function kindOf(tree: SchemaTree): ValueKind {
  const { type, converted_type: converted } = tree.element;
  if (converted === 'DECIMAL') return 'decimal';
  switch (type) {
    case 'BOOLEAN':
    case 'INT32':
    case 'INT64':
      return 'plain';
    case 'FLOAT':
    case 'DOUBLE':
      return 'float';
    case 'BYTE_ARRAY':
      return TEXTS.includes(converted) ? 'text' : 'bytes';
    case 'FIXED_LEN_BYTE_ARRAY':
      return 'bytes';
    default:
      throw strange(tree, `is of type ${type ?? 'none'}`);
  }
}

const strange = ({ path }: SchemaTree, what: string): Error => new Error(`column ${path.join('.')} ${what}`);
