/** The files of test/sim/arrows: each has the name of the transition that its schedule takes. */
import path from 'node:path';

export const ARROWS_FOLDER = path.join(import.meta.dirname, 'arrows');

/** `partition-retiring-halted-stopped.json`: `partition retiring halted stopped`. */
export function arrowOf(file: string): string {
  return path.basename(file, '.json').replaceAll('-', ' ');
}

export function fileOfArrow(arrow: string): string {
  return path.join(ARROWS_FOLDER, `${arrow.replaceAll(' ', '-')}.json`);
}
