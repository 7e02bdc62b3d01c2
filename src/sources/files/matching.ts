/** The files that a pattern matches, and their topics. */
import { glob, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { isAbsent, systemCodeOf, type NamedFile } from './errors.ts';

/** The file of a topic. */
export function fileOf(baseDir: string, topic: string): NamedFile {
  return { topic, path: resolve(baseDir, topic) };
}

/** Regular files that match, sorted by name. The topic is the path relative to the base folder, with `/`. */
export async function matchingFiles(baseDir: string, pattern: string): Promise<NamedFile[]> {
  const files = new Map<string, NamedFile>();
  for await (const name of glob(pattern, { cwd: baseDir })) {
    const path = resolve(baseDir, name);
    if (!(await isRegularFile(path))) continue;
    const topic = relative(baseDir, path).split(sep).join('/');
    files.set(topic, { topic, path });
  }
  return [...files.values()].sort((one, other) => (one.topic < other.topic ? -1 : 1));
}

async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    // A dangling link, or deleted since it was listed.
    if (isAbsent(error)) return false;
    // The file cannot even be examined. Whoever opens it gets the reason.
    if (systemCodeOf(error) !== null) return true;
    throw error;
  }
}
