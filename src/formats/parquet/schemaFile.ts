/** The schema of a job file: from its text, and as a text for people. */
import { parseYaml } from '../../config/document.ts';
import type { ValueSchema } from '../../config/jobConfig.ts';
import { parseAvroSchema } from './avroSchema.ts';
import { type LeafType, type ParquetSchema, schemaError, type Slot } from './schema.ts';
import { parseYamlSchema } from './yamlSchema.ts';

const COLUMNS_SHOWN = 20;
/** A column can be a record of any size. */
const COLUMN_LETTERS_MAX = 200;

/** Throws CONFIG_INVALID, and says where. */
export function parseSchemaText({ form, text }: ValueSchema): ParquetSchema {
  return form === 'avro' ? parseAvroSchema(jsonOf(text)) : parseYamlSchema(yamlOf(text));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw schemaError('', `is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}

function yamlOf(text: string): unknown {
  const document = parseYaml(text);
  if (document.type === 'parsed') return document.data;
  const problems = document.problems.map(({ place, message }) => `line ${place.line}: ${message}`);
  throw schemaError('', `is no YAML (${problems.join('; ')})`);
}

/** `id long, who { name string, age int? }`, in the short form; the first columns, if there are many. */
export function columnsText({ fields }: ParquetSchema): string {
  const shown = fields.slice(0, COLUMNS_SHOWN).map((field) => {
    const text = `${field.name} ${slotText(field)}`;
    return text.length > COLUMN_LETTERS_MAX ? `${text.slice(0, COLUMN_LETTERS_MAX)}…` : text;
  });
  const more = fields.length - shown.length;
  return `${shown.join(', ')}${more === 0 ? '' : `, and ${more} more`}`;
}

function slotText({ type, optional }: Slot): string {
  const end = optional ? '?' : '';
  switch (type.type) {
    case 'record':
      return `{ ${type.fields.map((field) => `${field.name} ${slotText(field)}`).join(', ')} }${end}`;
    case 'list':
      return `list<${slotText(type.element)}>${end}`;
    case 'map':
      return `map<string,${slotText(type.value)}>${end}`;
    default:
      return `${leafText(type)}${end}`;
  }
}

function leafText(type: LeafType): string {
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'fixed':
      return `fixed(${type.lengthBytes})`;
    case 'enum':
      return `enum(${type.symbols.join(',')})`;
    case 'time':
      return `time-${type.unit}`;
    case 'timestamp':
      return `${type.isUtc ? '' : 'local-'}timestamp-${type.unit}`;
    default:
      return type.type;
  }
}
