/** A file of profiles, as Alibaba's SDKs read it: sections of `key = value`. */
import { readFile } from 'node:fs/promises';
import { StoreFailure } from '../failure.ts';

/**
 * One section of the file, which is read anew. StoreFailure `refused` if there is no such file or section.
 * Its message holds no value of the file.
 */
export async function readProfile(file: string, profile: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refused(`${file} cannot be read (${code ?? 'unknown'})`, file);
  }
  const found = sectionsOf(text).get(profile);
  if (found === undefined) throw refused(`${file} has no section [${profile}]`, file);
  return found;
}

function sectionsOf(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\s*\[([^\]]*)\]\s*$/.exec(line) ?? [];
    const [, key = '', value = ''] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) {
      section = sections.get(name.trim()) ?? new Map<string, string>();
      sections.set(name.trim(), section);
    } else if (key !== '') section.set(key, value.replace(/^(["'])(.*)\1$/, '$2'));
  }
  return sections;
}

/** The keys of a section that must be there. */
export function neededOf(
  section: ReadonlyMap<string, string>,
  file: string,
  ...keys: readonly string[]
): readonly string[] {
  return keys.map((key) => {
    const value = section.get(key) ?? '';
    if (value === '') throw refused(`the profile in ${file} lacks ${key}`, file);
    return value;
  });
}

function refused(why: string, file: string): StoreFailure {
  return new StoreFailure(
    'refused',
    `There are no keys for the destination: ${why}. Correct the file, or sink.credentials.`,
    { affected: { files: [file] } },
  );
}
