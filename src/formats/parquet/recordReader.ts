/**
 * Takes JSON records apart, field by field, into the columns of a schema. One pass over the bytes: keys in
 * any order, nested records, lists and maps with their levels. Usual values go the fast way (fastLeaf.ts),
 * all others the complete one (jsonReader.ts, leafText.ts, leafNumber.ts).
 */
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  isDigit,
  LOWER_N,
  MINUS,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  SPACE,
} from '../../../kernels/text/ascii.ts';
import type { BadReason, BadValue } from './badValue.ts';
import type { Column } from './column.ts';
import { KIND } from './columnShape.ts';
import { addUsual } from './fastLeaf.ts';
import { JsonReader } from './jsonReader.ts';
import { addNumber } from './leafNumber.ts';
import { addText } from './leafText.ts';
import { NODE, type SchemaNode } from './schemaTree.ts';

/** Numbers of records stay small integers: then the nodes that hold them stay plain. */
const RECORD_NUMBER_MAX = 2 ** 30;

export class RecordReader {
  readonly #root: SchemaNode;
  readonly #json = new JsonReader();
  readonly #isFast: boolean;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #row = 0;
  /** Each record, and each one nested in it, has a number: its fields note it once they are seen. */
  #recordNumber = 0;
  #failedNode: SchemaNode;
  /** Fields that the schema does not have. */
  fieldsIgnored = 0;
  /** Values that were left to the complete path. */
  unusualValues = 0;
  /** Entries that were appended to columns, so that somebody notices how much memory they take. */
  nullsAdded = 0;

  /** @param isFast false: the complete path alone, for tests. */
  constructor(root: SchemaNode, isFast = true) {
    this.#root = root;
    this.#failedNode = root;
    this.#isFast = isFast;
  }

  /**
   * Appends the record bytes[start, end) to the columns. After a failure they are as before.
   * @param row its number, another one for each call.
   */
  read(bytes: Uint8Array, start: number, end: number, row: number): BadValue | null {
    this.#bytes = bytes;
    this.#end = end;
    this.#row = row;
    this.#json.bytes = bytes;
    this.#json.end = end;
    this.#failedNode = this.#root;
    const next = this.#document(start);
    if (next >= 0) return null;
    for (const column of this.#root.columns) column.undoRow(row);
    this.#json.trim();
    return { reason: this.#json.reason, path: this.#failedNode.path, at: this.#json.failedAt - start };
  }

  #document(start: number): number {
    const at = skipSpace(this.#bytes, start, this.#end);
    if (at >= this.#end) return this.#json.fail('syntax', at);
    if (this.#bytes[at] !== OPEN_OBJECT) {
      return this.#json.skipValue(at, 0) < 0 ? -1 : this.#json.fail('notAnObject', at);
    }
    const next = this.#record(this.#root, at, 0, 1);
    if (next < 0) return -1;
    const after = skipSpace(this.#bytes, next, this.#end);
    return after === this.#end ? next : this.#json.fail('syntax', after);
  }

  /**
   * @param at at the brace. @param rep repetition level of the record. @param depth with it, how many it is
   * in.
   */
  #record(node: SchemaNode, at: number, rep: number, depth: number): number {
    const { children } = node;
    const bytes = this.#bytes;
    const end = this.#end;
    const number = this.#nextRecordNumber();
    let seen = 0;
    let expected = 0;
    let next = skipSpace(bytes, at + 1, end);
    const isEmpty = next < end && bytes[next] === CLOSE_OBJECT;
    if (isEmpty) next += 1;
    while (!isEmpty) {
      let child = children[expected];
      if (child !== undefined && isUsualKey(child.usualKey, bytes, next, end)) {
        next += child.usualKey.length;
        next = skipSpace(bytes, next, end);
      } else {
        next = this.#key(next);
        if (next < 0) return -1;
        child = this.#childOfKey(node);
        next = this.#json.colon(next);
        if (next < 0) return -1;
      }
      if (child === undefined) {
        this.fieldsIgnored += 1;
        next = this.#json.skipValue(next, depth);
      } else {
        if (child.seenIn === number) return this.#fail(child, 'duplicateKey', next);
        child.seenIn = number;
        seen += 1;
        expected = child.index + 1;
        next = this.#value(child, next, rep, depth);
      }
      if (next < 0) return -1;
      if (next < end && bytes[next] === COMMA) next += 1;
      else {
        next = this.#json.separator(next, CLOSE_OBJECT);
        if (next < 0) return -1;
        if (bytes[next - 1] === CLOSE_OBJECT) break;
      }
      if (next < end && bytes[next] !== QUOTE) next = skipSpace(bytes, next, end);
    }
    return seen === children.length || this.#addMissing(node, number, rep, next) ? next : -1;
  }

  /** The fields that the record has not named are null, if they may be. */
  #addMissing(node: SchemaNode, number: number, rep: number, at: number): boolean {
    for (const child of node.children) {
      if (child.seenIn === number) continue;
      if (!child.isOptional) {
        this.#fail(child, 'missing', at);
        return false;
      }
      this.#addNulls(child, node.def, rep);
    }
    return true;
  }

  #keyStart = 0;
  #keyEnd = 0;
  #keyIsPlain = true;

  /** Reads a key; `#childOfKey` finds whose it is. Returns where it ends, or -1. */
  #key(at: number): number {
    const bytes = this.#bytes;
    let next = at + 1;
    if (at >= this.#end || bytes[at] !== QUOTE) return this.#json.fail('syntax', at);
    while (next < this.#end) {
      const byte = bytes[next] ?? 0;
      if (byte === QUOTE) {
        this.#keyStart = at + 1;
        this.#keyEnd = next;
        this.#keyIsPlain = true;
        return next + 1;
      }
      if (byte < SPACE || byte === BACKSLASH || byte >= 0x80) break;
      next += 1;
    }
    this.#keyIsPlain = false;
    return this.#json.string(at);
  }

  #childOfKey(node: SchemaNode): SchemaNode | undefined {
    const { keys, children } = node;
    if (keys === null) return undefined;
    const index = this.#keyIsPlain
      ? keys.find(this.#bytes, this.#keyStart, this.#keyEnd)
      : keys.find(this.#json.text, 0, this.#json.textLength);
    return children[index];
  }

  /** @param at at the value's first byte. */
  #value(node: SchemaNode, at: number, rep: number, depth: number): number {
    const byte = at < this.#end ? this.#bytes[at] : 0;
    if (byte === LOWER_N) return this.#null(node, at, rep);
    switch (node.kind) {
      case NODE.leaf:
        return this.#leaf(node, at, rep, depth);
      case NODE.record:
        if (byte !== OPEN_OBJECT) return this.#mismatch(node, at, depth);
        return this.#record(node, at, rep, depth + 1);
      case NODE.list:
        if (byte !== OPEN_LIST) return this.#mismatch(node, at, depth);
        return this.#list(node, at, rep, depth + 1);
      default:
        if (byte !== OPEN_OBJECT) return this.#mismatch(node, at, depth);
        return this.#map(node, at, rep, depth + 1);
    }
  }

  #null(node: SchemaNode, at: number, rep: number): number {
    const next = this.#json.literal(at);
    if (next < 0) return this.#fail(node, 'syntax', at);
    if (!node.isOptional) return this.#fail(node, 'missing', at);
    this.#addNulls(node, node.nullDef, rep);
    return next;
  }

  /** A null, or an empty list, in all columns below. */
  #addNulls(node: SchemaNode, def: number, rep: number): void {
    const { columns } = node;
    this.nullsAdded += columns.length;
    for (const column of columns) {
      column.beginRow(this.#row);
      column.addLevels(def, rep);
    }
  }

  #leaf(node: SchemaNode, at: number, rep: number, depth: number): number {
    const { column } = node;
    column.beginRow(this.#row);
    let next = this.#isFast ? addUsual(column, this.#bytes, at, this.#end) : -1;
    if (next < 0) {
      this.unusualValues += 1;
      next = this.#completeLeaf(node, at, depth);
      if (next < 0) return -1;
    }
    column.addLevels(node.def, rep);
    return next;
  }

  #completeLeaf(node: SchemaNode, at: number, depth: number): number {
    const { column } = node;
    const json = this.#json;
    if (column.kind === KIND.json) return this.#jsonLeaf(node, at, depth);
    const byte = at < this.#end ? (this.#bytes[at] ?? 0) : 0;
    let next: number;
    let problem: BadReason | null;
    if (byte === QUOTE) {
      next = json.string(at);
      problem = next < 0 ? null : addText(column, json.text, 0, json.textLength);
    } else if (byte === MINUS || isDigit(byte)) {
      next = json.number(at);
      problem = next < 0 ? null : addNumber(column, this.#bytes, at, next);
    } else {
      next = json.skipValue(at, depth);
      problem = next < 0 ? null : this.#addBoolean(column, at, next);
    }
    if (next < 0) return this.#fail(node, json.reason, json.failedAt);
    return problem === null ? next : this.#fail(node, problem, at);
  }

  #addBoolean(column: Column, at: number, end: number): BadReason | null {
    const first = this.#bytes[at];
    const isBoolean = first !== OPEN_LIST && first !== OPEN_OBJECT;
    if (column.kind !== KIND.boolean || !isBoolean) return 'wrongType';
    column.addBoolean(end - at === 4 ? 1 : 0);
    return null;
  }

  #jsonLeaf(node: SchemaNode, at: number, depth: number): number {
    const next = this.#json.skipValue(at, depth);
    if (next < 0) return this.#fail(node, this.#json.reason, this.#json.failedAt);
    node.column.addBytes(this.#bytes, at, next);
    return next;
  }

  #list(node: SchemaNode, at: number, rep: number, depth: number): number {
    const [element] = node.children;
    let next = skipSpace(this.#bytes, at + 1, this.#end);
    if (element === undefined || (next < this.#end && this.#bytes[next] === CLOSE_LIST)) {
      this.#addNulls(node, node.def, rep);
      return next + 1;
    }
    for (let itemRep = rep; ; itemRep = node.itemRep) {
      next = this.#value(element, next, itemRep, depth);
      if (next < 0) return -1;
      next = this.#json.separator(next, CLOSE_LIST);
      if (next < 0) return this.#fail(node, 'syntax', this.#json.failedAt);
      if (this.#bytes[next - 1] === CLOSE_LIST) return next;
      next = skipSpace(this.#bytes, next, this.#end);
    }
  }

  #map(node: SchemaNode, at: number, rep: number, depth: number): number {
    const [key, value] = node.children;
    let next = skipSpace(this.#bytes, at + 1, this.#end);
    const isEmpty = next < this.#end && this.#bytes[next] === CLOSE_OBJECT;
    if (key === undefined || value === undefined || isEmpty) {
      this.#addNulls(node, node.def, rep);
      return next + 1;
    }
    const keys = new Set<string>();
    for (let itemRep = rep; ; itemRep = node.itemRep) {
      next = this.#mapKey(key, next, itemRep, keys);
      if (next < 0) return -1;
      next = this.#json.colon(next);
      if (next < 0) return this.#fail(node, 'syntax', this.#json.failedAt);
      next = this.#value(value, next, itemRep, depth);
      if (next < 0) return -1;
      next = this.#json.separator(next, CLOSE_OBJECT);
      if (next < 0) return this.#fail(node, 'syntax', this.#json.failedAt);
      if (this.#bytes[next - 1] === CLOSE_OBJECT) return next;
      next = skipSpace(this.#bytes, next, this.#end);
    }
  }

  /** @param keys those that the map had before, so that none is there twice. */
  #mapKey(node: SchemaNode, at: number, rep: number, keys: Set<string>): number {
    const next = this.#json.string(at);
    if (next < 0) return this.#fail(node, this.#json.reason, this.#json.failedAt);
    const { text, textLength } = this.#json;
    const name = Buffer.from(text.buffer, text.byteOffset, textLength).toString('latin1');
    if (keys.has(name)) return this.#fail(node, 'duplicateKey', at);
    keys.add(name);
    node.column.beginRow(this.#row);
    node.column.addBytes(text, 0, textLength);
    node.column.addLevels(node.def, rep);
    return next;
  }

  /** A value of another type than the node's. One that is no JSON is that first. */
  #mismatch(node: SchemaNode, at: number, depth: number): -1 {
    if (this.#json.skipValue(at, depth) < 0) return this.#fail(node, this.#json.reason, this.#json.failedAt);
    return this.#fail(node, 'wrongType', at);
  }

  #fail(node: SchemaNode, reason: BadReason, at: number): -1 {
    this.#failedNode = node;
    return this.#json.fail(reason, at);
  }

  #nextRecordNumber(): number {
    if (this.#recordNumber >= RECORD_NUMBER_MAX) {
      this.#recordNumber = 0;
      forgetSeen(this.#root);
    }
    this.#recordNumber += 1;
    return this.#recordNumber;
  }
}

function forgetSeen(node: SchemaNode): void {
  for (const child of node.children) {
    child.seenIn = 0;
    forgetSeen(child);
  }
}

/**
 * Whether the key begins at `at`. Bytes of the next record may equal it, but a value must follow in this one.
 */
function isUsualKey(key: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  if (at + key.length >= end) return false;
  for (let index = 0; index < key.length; index += 1) {
    if (bytes[at + index] !== key[index]) return false;
  }
  return true;
}
