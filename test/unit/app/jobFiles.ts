/** Job files in a folder of their own, loaded as the command line does it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { hasCode } from '../../../journal/errors.ts';
import type { JobConfig } from '../../../src/config/jobConfig.ts';
import { loadJobConfig } from '../../../src/app/jobFile/loadJobConfig.ts';

export interface JobFolder {
  readonly dir: string;
  write(name: string, text: string | Uint8Array): void;
  load(name: string, options?: LoadChoices): JobConfig;
  /** The lines that a refused job file gives. */
  problems(name: string, options?: LoadChoices): readonly string[];
}

interface LoadChoices {
  readonly overrides?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function jobFolder(): JobFolder {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-config-'));
  onTestFinished(() => {
    rmSync(dir, { recursive: true });
  });
  const load = (name: string, { overrides = [], env = {} }: LoadChoices = {}): JobConfig =>
    loadJobConfig({ path: name, overrides, env, cwd: dir });
  return {
    dir,
    write(name, text) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), text);
    },
    load,
    problems(name, options) {
      try {
        load(name, options);
      } catch (error) {
        if (!hasCode(error, 'CONFIG_INVALID')) throw error;
        return error.fields['problems'] as readonly string[];
      }
      throw new Error(`${name} was accepted`);
    },
  };
}

/** Loads a job file of this text. */
export function loadText(text: string, options: LoadChoices = {}): JobConfig {
  const folder = jobFolder();
  folder.write('job.yaml', text);
  return folder.load('job.yaml', options);
}

/** The problems of a job file of this text. */
export function problemsOfText(text: string, options: LoadChoices = {}): readonly string[] {
  const folder = jobFolder();
  folder.write('job.yaml', text);
  return folder.problems('job.yaml', options);
}

export const MINIMAL = `job: clicks
source:
  kafka: { brokers: [127.0.0.1:9092], topics: [clicks] }
sink:
  path: out
`;
