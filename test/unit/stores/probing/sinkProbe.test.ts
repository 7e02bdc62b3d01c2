/** Every check of the port on a store that keeps its promise, and each on one that breaks it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { journalId } from '../../../../journal/ids.ts';
import { runChecks } from '../../../../src/app/doctor/runChecks.ts';
import { localProbe } from '../../../../src/stores/local/probe.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { OpenFile, Store } from '../../../../src/stores/port.ts';
import { scratchUriOf, sinkProbe } from '../../../../src/stores/probing/sinkProbe.ts';
import { systemClock, systemRandom } from '../../../../src/system/clock.ts';

function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-probe-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function outcomes(sink: string, change: (store: Store) => Partial<Store> = () => ({})) {
  const store = createFileStore();
  const broken: Store = { ...bound(store), ...change(store) };
  const whole: Store = { ...broken, session: () => whole };
  const markerFolderUri = `file://${sink}`;
  const scratchUri = scratchUriOf(markerFolderUri, 'abc');
  const probe = sinkProbe({
    ...{ markerFolderUri, scratchUri },
    probe: localProbe({ sinkUri: markerFolderUri, scratchUri, nowMs: systemClock.nowMs }),
    open: async () => whole,
    draw: () => systemRandom.hexId(),
    nowMs: systemClock.nowMs,
  });
  const ignore = (): void => undefined;
  const run = { area: 'sink', probe, clock: systemClock, signal: new AbortController().signal } as const;
  const { checks, leftovers } = await runChecks({
    ...run,
    onBegun: ignore,
    onDone: ignore,
    othersHaveLooked: async () => Promise.resolve(),
  });
  return { leftovers, of: Object.fromEntries(checks.map((one) => [one.id, one])) };
}

/** A store whose members may be replaced one by one. */
function bound(store: Store): Store {
  return {
    kind: store.kind,
    takeover: store.takeover,
    reading: store.reading,
    scratch: store.scratch,
    temporaries: store.temporaries,
    ...(store.salvage === undefined ? {} : { salvage: store.salvage }),
    session: () => store,
    create: (target) => store.create(target),
    commit: (target, durable) => store.commit(target, durable),
    commitAfterRecovery: (target, durable) => store.commitAfterRecovery(target, durable),
    discard: (uris, handle) => store.discard(uris, handle),
    claimMarker: (...args) => store.claimMarker(...args),
    readMarker: (...args) => store.readMarker(...args),
    writeWitness: (...args) => store.writeWitness(...args),
    listWitnesses: (folder) => store.listWitnesses(folder),
    removeWitnesses: (...args) => store.removeWitnesses(...args),
    close: () => store.close(),
  };
}

describe('a store that keeps its promise', () => {
  test('passes every check, and nothing is left: no folder either that was not there', async () => {
    const folder = scratchFolder();
    const { of, leftovers } = await outcomes(path.join(folder, 'lake', 'clicks'));
    expect(Object.values(of).filter(({ outcome }) => outcome === 'fail' || outcome === 'notDone')).toEqual(
      [],
    );
    expect(Object.keys(of)).toHaveLength(16);
    expect(leftovers).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('keeps what was in the sink', async () => {
    const folder = scratchFolder();
    mkdirSync(path.join(folder, '.tidemark', 'clicks', 'journal-1'), { recursive: true });
    await outcomes(folder);
    expect(existsSync(path.join(folder, '.tidemark', 'clicks', 'journal-1'))).toBe(true);
    expect(readdirSync(path.join(folder, '.tidemark'))).toEqual(['clicks']);
  });

  test('tells what a killed doctor has left', async () => {
    const folder = scratchFolder();
    mkdirSync(path.join(folder, '.tidemark', '_doctor-old'), { recursive: true });
    const { of } = await outcomes(folder);
    expect(of['sink-clean']).toMatchObject({
      outcome: 'warn',
      found: expect.stringContaining('_doctor-old') as string,
    });
  });
});

describe('a store that breaks its promise', () => {
  const NO_FILE: OpenFile = {
    write: async () => Promise.resolve(),
    persist: async () => null,
    closeForCommit: async () => null,
    abandon: async () => Promise.resolve(),
  };
  const breaks: readonly (readonly [id: string, how: string, change: (store: Store) => Partial<Store>])[] = [
    [
      'sink-write',
      'creates over a file',
      (store) => ({ create: (target) => store.create(target).catch(() => NO_FILE) }),
    ],
    [
      'sink-publish',
      'loses what it published',
      (store) => ({
        commitAfterRecovery: async ({ finalUri }) => rmSync(finalUri.slice('file://'.length)),
        commit: (target, durable) => store.commit(target, durable),
      }),
    ],
    [
      'sink-overwrite',
      'seems to publish over a file',
      (store) => ({ commit: (target, durable) => store.commit(target, durable).catch(() => undefined) }),
    ],
    [
      'sink-list',
      'lists nothing',
      (store) => ({ reading: { ...store.reading, list: async function* () {} } }),
    ],
    ['sink-marker', 'lets the last claim win', () => ({ claimMarker: async (_sink, _job, id) => id })],
    ['sink-marker', 'forgets markers', () => ({ readMarker: async () => journalId('another-journal') })],
    ['sink-witness', 'keeps witnesses', () => ({ removeWitnesses: async () => Promise.resolve() })],
    [
      'sink-salvage',
      'copies other bytes',
      (store) => ({
        salvage: {
          copy: async (_from, _durable, to) => {
            await store.writeWitness(path.posix.dirname(to), path.posix.basename(to));
          },
        },
      }),
    ],
    ['sink-discard', 'keeps what is discarded', () => ({ discard: async () => Promise.resolve() })],
  ];
  test.each(breaks)('%s fails where it %s', async (id, _how, change) => {
    const folder = scratchFolder();
    const { of, leftovers } = await outcomes(folder, change);
    expect(of[id]).toMatchObject({ outcome: 'fail', howToMend: expect.stringMatching(/\.$/) as string });
    expect(leftovers).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('sink-takeover fails where an old owner still reaches the file', async () => {
    const folder = scratchFolder();
    const { of } = await outcomes(folder, (store) => ({
      takeover: {
        ...{ type: 'finish', copies: false },
        finish: async (_target, durable) => durable,
      },
      commitAfterRecovery: async (target, durable) =>
        target.partId === 'taken-over' ? undefined : store.commitAfterRecovery(target, durable),
    }));
    expect(of['sink-takeover']?.outcome).toBe('fail');
  });
});
