/** An element with text or children; attributes are ignored. */
export type XmlElement = { readonly name: string; readonly children: XmlElement[]; text: string };

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Returns the root element. Enough for what OSS clients send: no CDATA, no mixed content. */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', children: [], text: '' };
  const open: XmlElement[] = [root];
  for (const [, closing, name, selfClosing, plain] of text.matchAll(
    /<(\/?)([A-Za-z][\w.:-]*)[^<>]*?(\/?)>|<[?!][^>]*>|([^<]+)/g,
  )) {
    const top = open.at(-1)!;
    if (plain !== undefined) top.text += unescapeXml(plain);
    else if (name === undefined) continue;
    else if (closing === '/') {
      if (open.length < 2 || top.name !== name) throw new Error(`not XML: </${name}> closes nothing`);
      open.pop();
    } else {
      const element: XmlElement = { name, children: [], text: '' };
      top.children.push(element);
      if (selfClosing !== '/') open.push(element);
    }
  }
  const first = root.children[0];
  if (open.length !== 1 || first === undefined) throw new Error('not XML: it ends too early');
  return first;
}

/** The text of the child with that name, or undefined. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.children.find((child) => child.name === name)?.text;
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

type Value = string | number | boolean;
/** Children by name; an array repeats the name. */
export type XmlContent = {
  readonly [name: string]: Value | XmlContent | readonly (Value | XmlContent)[] | undefined;
};

export function writeXml(name: string, content: XmlContent): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${elementOf(name, content)}`;
}

function elementOf(name: string, value: Value | XmlContent): string {
  if (typeof value !== 'object') return `<${name}>${escapeXml(String(value))}</${name}>`;
  const children = Object.entries(value).map(([child, inner]) => {
    if (inner === undefined) return '';
    if (isList(inner)) return inner.map((one) => elementOf(child, one)).join('');
    return elementOf(child, inner);
  });
  return `<${name}>${children.join('')}</${name}>`;
}

function isList(
  value: Value | XmlContent | readonly (Value | XmlContent)[],
): value is readonly (Value | XmlContent)[] {
  return Array.isArray(value);
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${String(char.charCodeAt(0))};`);
}

function unescapeXml(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (whole, numeric: string | undefined, name: string) => {
    if (numeric !== undefined) return String.fromCodePoint(Number.parseInt(name, numeric === '#x' ? 16 : 10));
    return ENTITIES[name] ?? whole;
  });
}
