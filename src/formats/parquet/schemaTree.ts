/** The schema as what reads records walks it: nodes with their levels, and the columns below each. */
import { Column } from './column.ts';
import { columnShape } from './columnShape.ts';
import { KeyTable } from './keyTable.ts';
import type { Field, ParquetSchema, Slot } from './schema.ts';

export const NODE = { leaf: 0, record: 1, list: 2, map: 3 } as const;

export class SchemaNode {
  readonly kind: number;
  /** Among its record's fields; 0 for others. */
  readonly index: number;
  readonly isOptional: boolean;
  /** Definition level of a null here, or of a missing field. */
  readonly nullDef: number;
  /** Definition level of a value here, and of an empty list. */
  readonly def: number;
  /** Repetition level of a list's elements but the first. */
  readonly itemRep: number;
  readonly keyBytes: Uint8Array;
  /** `"key":`, as JSON without escapes and white space has it. */
  readonly usualKey: Uint8Array;
  /** `who.tags[]`, for people. */
  readonly path: string;
  /** A record's fields, a list's element, a map's key and value. */
  readonly children: readonly SchemaNode[];
  readonly keys: KeyTable | null;
  /** The columns at and below the node. */
  readonly columns: readonly Column[];
  /** The column of a leaf; for others the first one below, which nothing asks for. */
  readonly column: Column;
  /** The record that has named this field, by its number. */
  seenIn = 0;

  constructor(values: {
    readonly kind: number;
    readonly place: Place;
    readonly def: number;
    readonly children: readonly SchemaNode[];
    readonly columns: readonly [Column, ...Column[]];
  }) {
    const { kind, place, def, children, columns } = values;
    this.kind = kind;
    this.index = place.index;
    this.isOptional = place.isOptional;
    this.nullDef = place.nullDef;
    this.def = def;
    this.itemRep = place.rep + 1;
    this.keyBytes = Buffer.from(place.name);
    this.usualKey = Buffer.from(`${JSON.stringify(place.name)}:`);
    this.path = place.path;
    this.children = children;
    this.keys = kind === NODE.record ? new KeyTable(children.map(({ keyBytes }) => keyBytes)) : null;
    this.columns = columns;
    this.column = columns[0];
  }
}

interface Place {
  readonly name: string;
  readonly index: number;
  readonly isOptional: boolean;
  /** Definition level of what it is in, and repetition level. */
  readonly nullDef: number;
  readonly rep: number;
  readonly path: string;
  /** As Parquet names it, with the groups that lists and maps are made of. */
  readonly columnPath: readonly string[];
}

/** The root, a record that is always there. The schema was checked. */
export function schemaTree(schema: ParquetSchema): SchemaNode {
  const place = { name: '', index: 0, isOptional: false, nullDef: 0, rep: 0, path: '', columnPath: [] };
  return recordNode(schema.fields, place, 0);
}

function nodeOf(slot: Slot, place: Place): SchemaNode {
  const { type } = slot;
  const { nullDef, rep, path, columnPath } = place;
  const def = nullDef + (slot.optional ? 1 : 0);
  if (type.type === 'record') return recordNode(type.fields, place, def);
  const item = { index: 0, isOptional: false, nullDef: def + 1, rep: rep + 1 };
  if (type.type === 'list') {
    const element = nodeOf(type.element, {
      ...{ ...item, name: 'element', isOptional: type.element.optional, path: `${path}[]` },
      columnPath: [...columnPath, 'list', 'element'],
    });
    return new SchemaNode({ kind: NODE.list, place, def, children: [element], columns: nonEmpty(element) });
  }
  if (type.type === 'map') {
    const within = [...columnPath, 'key_value'];
    const keyPlace = { ...item, name: 'key', path: `${path}{key}`, columnPath: [...within, 'key'] };
    const key = nodeOf({ type: { type: 'string' }, optional: false }, keyPlace);
    const value = nodeOf(type.value, {
      ...{ ...item, name: 'value', index: 1, isOptional: type.value.optional, path: `${path}{}` },
      columnPath: [...within, 'value'],
    });
    const children = [key, value];
    return new SchemaNode({ kind: NODE.map, place, def, children, columns: nonEmpty(key, value) });
  }
  const column = new Column(columnShape(type, columnPath, def, rep));
  return new SchemaNode({ kind: NODE.leaf, place, def, children: [], columns: [column] });
}

function recordNode(fields: readonly Field[], place: Place, def: number): SchemaNode {
  const children = fields.map((field, index) =>
    nodeOf(field, {
      ...{ name: field.name, index, isOptional: field.optional, nullDef: def, rep: place.rep },
      path: place.path === '' ? field.name : `${place.path}.${field.name}`,
      columnPath: [...place.columnPath, field.name],
    }),
  );
  return new SchemaNode({ kind: NODE.record, place, def, children, columns: nonEmpty(...children) });
}

/** A checked schema has no node without a column. */
function nonEmpty(...nodes: readonly SchemaNode[]): [Column, ...Column[]] {
  const [first, ...others] = nodes.flatMap(({ columns }) => columns);
  if (first === undefined) throw new Error('a node of a checked schema has no column');
  return [first, ...others];
}
