/**
 * How the entries of columns make up a row: what reads rows walks along it. Columns are counted from 0, in
 * the order of the schema.
 */
import type { Field, LeafType, ParquetSchema, Slot } from './schema.ts';

/**
 * What a value is, for its text. `plain`: a boolean or a whole number. `float`: a number with a point.
 * `text`: UTF-8. `bytes`: any bytes. `decimal`: the digits of a decimal number, perhaps as bytes.
 */
export type ValueKind = 'plain' | 'float' | 'text' | 'bytes' | 'decimal';

interface Levels {
  readonly isOptional: boolean;
  /**
   * Definition level of a value here, and of an empty list. That of a null, if there may be one, is one less.
   */
  readonly def: number;
  /** The columns at and below the node: [firstColumn, endColumn). */
  readonly firstColumn: number;
  readonly endColumn: number;
}

export type RowNode = Levels &
  (
    | { readonly type: 'leaf'; readonly kind: ValueKind }
    | { readonly type: 'record'; readonly fields: readonly RowField[] }
    | { readonly type: 'list'; readonly element: RowNode; readonly itemRep: number }
    | { readonly type: 'map'; readonly key: RowNode; readonly value: RowNode; readonly itemRep: number }
  );

export interface RowField {
  /** `"name":`, as it is in the text of a row. */
  readonly label: string;
  readonly node: RowNode;
}

/** Where a node is: levels of what it is in, and its first column. */
export interface Place {
  readonly isOptional: boolean;
  readonly outerDef: number;
  readonly outerRep: number;
  readonly firstColumn: number;
}

export const ROOT: Place = { isOptional: false, outerDef: 0, outerRep: 0, firstColumn: 0 };

const defAt = ({ isOptional, outerDef }: Place): number => outerDef + (isOptional ? 1 : 0);

export function leafNode(place: Place, kind: ValueKind): RowNode {
  const { isOptional, firstColumn } = place;
  return { type: 'leaf', kind, isOptional, def: defAt(place), firstColumn, endColumn: firstColumn + 1 };
}

/** @param nodeAt makes the node of a field, at its place. */
export function recordNode<F extends { readonly name: string }>(
  place: Place,
  fields: readonly F[],
  nodeAt: (field: F, place: Omit<Place, 'isOptional'>) => RowNode,
): RowNode {
  const { isOptional, outerRep, firstColumn } = place;
  const def = defAt(place);
  let next = firstColumn;
  const nodes = fields.map((field): RowField => {
    const node = nodeAt(field, { outerDef: def, outerRep, firstColumn: next });
    next = node.endColumn;
    return { label: `${JSON.stringify(field.name)}:`, node };
  });
  return { type: 'record', fields: nodes, isOptional, def, firstColumn, endColumn: next };
}

export function listNode(place: Place, elementAt: (place: Omit<Place, 'isOptional'>) => RowNode): RowNode {
  const { isOptional, outerRep, firstColumn } = place;
  const def = defAt(place);
  const itemRep = outerRep + 1;
  const element = elementAt({ outerDef: def + 1, outerRep: itemRep, firstColumn });
  return { type: 'list', element, itemRep, isOptional, def, firstColumn, endColumn: element.endColumn };
}

export function mapNode(place: Place, valueAt: (place: Omit<Place, 'isOptional'>) => RowNode): RowNode {
  const { isOptional, outerRep, firstColumn } = place;
  const def = defAt(place);
  const itemRep = outerRep + 1;
  const within = { outerDef: def + 1, outerRep: itemRep };
  const key = leafNode({ ...within, isOptional: false, firstColumn }, 'text');
  const value = valueAt({ ...within, firstColumn: key.endColumn });
  return { type: 'map', key, value, itemRep, isOptional, def, firstColumn, endColumn: value.endColumn };
}

/** Of a checked schema. */
export const shapeOfSchema = ({ fields }: ParquetSchema): RowNode => fieldsNode(ROOT, fields);

const fieldsNode = (place: Place, fields: readonly Field[]): RowNode => recordNode(place, fields, slotNode);

function slotNode({ type, optional }: Slot, at: Omit<Place, 'isOptional'>): RowNode {
  const place = { ...at, isOptional: optional };
  switch (type.type) {
    case 'record':
      return fieldsNode(place, type.fields);
    case 'list':
      return listNode(place, (within) => slotNode(type.element, within));
    case 'map':
      return mapNode(place, (within) => slotNode(type.value, within));
    default:
      return leafNode(place, kindOf(type));
  }
}

function kindOf(type: LeafType): ValueKind {
  switch (type.type) {
    case 'string':
    case 'json':
    case 'enum':
      return 'text';
    case 'bytes':
    case 'fixed':
    case 'uuid':
      return 'bytes';
    case 'float':
    case 'double':
      return 'float';
    case 'decimal':
      return 'decimal';
    default:
      return 'plain';
  }
}
