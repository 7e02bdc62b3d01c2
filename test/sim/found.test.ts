import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseSchedule } from '../../sim/scheduleText.ts';
import { runWorld } from '../../sim/world.ts';

const FOLDER = path.join(import.meta.dirname, 'found');

test.each(readdirSync(FOLDER))('%s: broke the promise once, and keeps it', async (name) => {
  const schedule = parseSchedule(readFileSync(path.join(FOLDER, name), 'utf8'), name);
  expect((await runWorld(schedule)).violations).toEqual([]);
});
