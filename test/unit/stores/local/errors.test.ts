import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../../kernels/crc64.ts';
import type { DurablePart, PartTarget, Store } from '../../../../src/stores/port.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import { impatient } from '../../../conformance/store/localHarness.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  finishWith,
  newTarget,
  Writer,
} from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { withLocalStore } from './localStore.ts';
import { failing, systemError, tappedFileSystem, type Tap } from './tappedFileSystem.ts';

let h: StoreHarness;
const closers = withLocalStore((harness) => {
  h = harness;
});

function storeWith(tap: Tap): Store {
  const fileSystem = tappedFileSystem(tap);
  closers.push(() => fileSystem.closeAll());
  return createFileStore({ pacer: impatient, fileSystem });
}

const pathOf = (uri: string): string => uri.slice('file://'.length);

function durableOf(text: string): DurablePart {
  return { length: text.length, crc64: crc64Of(bytesOf(text)), handle: null };
}

async function temporaryHolding(text: string): Promise<PartTarget> {
  const target = newTarget(h);
  await mkdir(dirname(pathOf(target.temporaryUri)), { recursive: true });
  await writeFile(pathOf(target.temporaryUri), text);
  return target;
}

describe('names', () => {
  const bad = [
    '/var/lake/.part',
    'file:.part',
    'file://host/.part',
    's3://lake/.part',
    'file:///lake/.pa\0rt',
  ];
  for (const uri of [...bad, 'file:///', 'file:///lake/..', 'file:///lake/.part/']) {
    test(`${JSON.stringify(uri)} is no file of this store`, async () => {
      const store = createFileStore();
      await expectCode(store.discard([uri], null), 'STORE_HANDLE_INVALID');
      await expectCode(store.create({ ...newTarget(h), temporaryUri: uri }), 'STORE_HANDLE_INVALID');
    });
  }

  test('a path is taken literally: percent signs, spaces and unicode name themselves', async () => {
    const store = createFileStore();
    const odd = `${h.sinkUri}/day=2026%2F01 ä?#/`;
    const target = { ...newTarget(h), finalUri: `${odd}part%41`, temporaryUri: `${odd}.part%41.0` };
    const writer = await Writer.create(store, target);
    await store.commit(target, await (await writer.write('x\n')).closeForCommit());
    expect([...(await h.readers()).keys()]).toEqual(['day=2026%2F01 ä?#/part%41']);
  });

  test('a hidden final name and a visible temporary name are refused', async () => {
    const target = newTarget(h);
    const hidden = { ...target, finalUri: target.temporaryUri };
    const visible = { ...target, temporaryUri: target.finalUri };
    await expectCode(createFileStore().create(hidden), 'STORE_HANDLE_INVALID');
    await expectCode(createFileStore().create(visible), 'STORE_HANDLE_INVALID');
    await expectCode(
      finishWith(createFileStore(), target, durableOf('x'), `${h.sinkUri}/visible`),
      'STORE_HANDLE_INVALID',
    );
  });

  test('a handle that another store wrote is refused', async () => {
    const target = await temporaryHolding('data\n');
    const other = { ...durableOf('data\n'), handle: { uploadId: 'u' } };
    await expectCode(createFileStore().commit(target, other), 'STORE_HANDLE_INVALID');
    await expectCode(createFileStore().commitAfterRecovery(target, other), 'STORE_HANDLE_INVALID');
    await expectCode(
      finishWith(createFileStore(), target, other, `${target.temporaryUri}.2`),
      'STORE_HANDLE_INVALID',
    );
  });
});

describe('a destination that cannot be written', () => {
  test('a path below a regular file is named, with what to do', async () => {
    await h.put(`${h.sinkUri}/dt=2026-01-02`, bytesOf('in the way'));
    const error = await expectCode(createFileStore().create(newTarget(h)), 'STORE_UNAVAILABLE');
    expect(error.message).toMatch(/part of the path is a file, not a folder/);
    expect(error.fields).toMatchObject({ systemCode: 'ENOTDIR' });
  });

  for (const [code, advice] of [
    ['EACCES', /correct the owner or the mode/],
    ['EROFS', /read-only/],
    ['EMFILE', /ulimit -n/],
    ['ENOSPC', /free some space/],
  ] as const) {
    test(`creating that fails with ${code} says what to do and may be tried again`, async () => {
      const store = storeWith(failing((call) => call.name === 'open', code));
      const error = await expectCode(store.create(newTarget(h)), 'STORE_UNAVAILABLE');
      expect(error.message).toMatch(advice);
      expect(error.retry).toBe('transient');
      expect(error.cause).toMatchObject({ code });
    });
  }

  test('creating that fails with EIO has an unknown outcome', async () => {
    const store = storeWith(failing((call) => call.name === 'open', 'EIO'));
    await expectCode(store.create(newTarget(h)), 'STORE_OUTCOME_UNKNOWN');
  });

  test('folders that somebody removes while a file is created are made again', async () => {
    let removals = 3;
    const store = storeWith({
      before: (call) => {
        if (call.name !== 'open' || call.args[1] !== 'ax' || removals === 0) return;
        removals -= 1;
        throw systemError('ENOENT');
      },
    });
    const writer = await Writer.create(store, newTarget(h));
    await store.commit(writer.target, await (await writer.write('x\n')).closeForCommit());
    await expectReaders(h, [writer.target, 'x\n']);
  });
});

describe('a write that fails', () => {
  test('a full disk is reported as such, and the file is unusable from then on', async () => {
    const store = storeWith(failing((call) => call.name === 'handle.write', 'ENOSPC'));
    const writer = await Writer.create(store, newTarget(h));
    const error = await expectCode(writer.write('x\n'), 'STORE_UNAVAILABLE');
    expect(error.message).toMatch(/free some space/);
    await expectCode(writer.write('x\n'), 'STORE_OUTCOME_UNKNOWN');
    await expectCode(writer.persist(), 'STORE_OUTCOME_UNKNOWN');
    await expectCode(writer.closeForCommit(), 'STORE_OUTCOME_UNKNOWN');
    await writer.file.abandon();
  });

  test('any other failure leaves the outcome unknown', async () => {
    const store = storeWith(failing((call) => call.name === 'handle.write', 'EIO'));
    const writer = await Writer.create(store, newTarget(h));
    await expectCode(writer.write('x\n'), 'STORE_OUTCOME_UNKNOWN');
    await writer.file.abandon();
  });

  test('a system that writes a few bytes at a time still writes all of them', async () => {
    const fileSystem = tappedFileSystem({});
    const open: typeof fileSystem.open = async (...args) => {
      const handle = await fileSystem.open(...args);
      return new Proxy(handle, {
        get: (target, property) =>
          property === 'write'
            ? (bytes: Uint8Array, from: number, length: number, at: number) =>
                target.write(bytes, from, Math.min(length, 3), at)
            : (Reflect.get(target, property, target) as unknown),
      });
    };
    const store = createFileStore({ fileSystem: { ...fileSystem, open } });
    const writer = await Writer.create(store, newTarget(h));
    await writer.write('several bytes\n');
    await store.commit(writer.target, await (await writer.write('and more\n')).closeForCommit());
    await expectReaders(h, [writer.target, 'several bytes\nand more\n']);
  });
});

describe('an fsync that fails', () => {
  for (const call of ['handle.datasync', 'handle.sync'] as const) {
    for (const step of ['persist', 'closeForCommit'] as const) {
      test(`${call} in ${step}: the outcome is unknown, and trying again does not change that`, async () => {
        let failures = 1;
        const store = storeWith({
          before: ({ name }) => {
            if (name !== call || failures === 0) return;
            failures -= 1;
            throw systemError('EIO');
          },
        });
        const writer = await Writer.create(store, newTarget(h));
        await writer.write('x\n');
        await expectCode(writer[step](), 'STORE_OUTCOME_UNKNOWN');
        // The kernel forgets pages that it failed to write: a second fsync that succeeds proves nothing.
        await expectCode(writer[step](), 'STORE_OUTCOME_UNKNOWN');
        await expectCode(writer.closeForCommit(), 'STORE_OUTCOME_UNKNOWN');
        await writer.file.abandon();
      });
    }
  }

  test.each(['before', 'while'] as const)(
    'ahead, %s the file is asked to be durable: it never is',
    async (when) => {
      const [failing, failed] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      let syncs = 0;
      const store = storeWith({
        before: async ({ name }) => {
          if (name !== 'handle.datasync') return;
          syncs += 1;
          if (syncs > 1) return;
          await failing.promise;
          failed.resolve(undefined);
          throw systemError('EIO');
        },
      });
      const writer = await Writer.create(store, newTarget(h));
      await writer.write(`${'x'.repeat(17 * 1024 * 1024)}\n`);
      if (when === 'before') failing.resolve(undefined);
      if (when === 'before') await failed.promise;
      const persisted = expectCode(writer.persist(), 'STORE_OUTCOME_UNKNOWN');
      failing.resolve(undefined);
      await persisted;
      await expectCode(writer.closeForCommit(), 'STORE_OUTCOME_UNKNOWN');
      await writer.file.abandon();
    },
  );

  test('while publishing: the outcome is unknown, and settling the file again is right', async () => {
    const target = await temporaryHolding('data\n');
    const store = storeWith(failing((call) => call.name === 'handle.sync', 'EIO'));
    await expectCode(store.commit(target, durableOf('data\n')), 'STORE_OUTCOME_UNKNOWN');
    await createFileStore().commitAfterRecovery(target, durableOf('data\n'));
    await expectReaders(h, [target, 'data\n']);
    expect(await h.leftovers()).toEqual([]);
  });
});

describe('publishing', () => {
  for (const code of ['EPERM', 'ENOTSUP', 'EXDEV']) {
    test(`a file system without hard links (${code}) is refused, never renamed on`, async () => {
      const target = await temporaryHolding('data\n');
      const store = storeWith(failing((call) => call.name === 'link', code));
      for (const publish of ['commit', 'commitAfterRecovery'] as const) {
        const error = await expectCode(store[publish](target, durableOf('data\n')), 'STORE_UNAVAILABLE');
        expect(error.message).toMatch(/hard link/);
      }
      await expectReaders(h);
      expect(await readFile(pathOf(target.temporaryUri), 'utf8')).toBe('data\n');
    });
  }

  for (const [what, content] of [
    ['shorter', 'dat'],
    ['longer', 'data\nmore'],
  ] as const) {
    test(`a temporary file that is ${what} than journaled is not published`, async () => {
      const target = await temporaryHolding(content);
      for (const publish of ['commit', 'commitAfterRecovery'] as const) {
        await expectCode(createFileStore()[publish](target, durableOf('data\n')), 'STORE_CONTENT_DIFFERS');
      }
      await expectReaders(h);
    });
  }

  test('a temporary file with a flipped bit is found when it is settled', async () => {
    const target = await temporaryHolding('datA\n');
    const error = await expectCode(
      createFileStore().commitAfterRecovery(target, durableOf('data\n')),
      'STORE_CONTENT_DIFFERS',
    );
    expect(error.message).toContain(pathOf(target.temporaryUri));
    expect(error.retry).toBe('operator');
  });

  test('a folder, or a link to nowhere, under the final name is foreign, not overwritten', async () => {
    const folder = await temporaryHolding('data\n');
    await mkdir(pathOf(folder.finalUri));
    await expectCode(createFileStore().commit(folder, durableOf('data\n')), 'STORE_CONTENT_DIFFERS');
    const dangling = await temporaryHolding('data\n');
    await symlink('nowhere', pathOf(dangling.finalUri));
    await expectCode(createFileStore().commit(dangling, durableOf('data\n')), 'STORE_CONTENT_DIFFERS');
  });

  test('a published file that was moved before the temporary name went is not published twice', async () => {
    const target = await temporaryHolding('data\n');
    // Crashed after link(2); then a reader took the file.
    const { link, rename } = await import('node:fs/promises');
    const publishing = `${pathOf(target.temporaryUri)}.p`;
    await rename(pathOf(target.temporaryUri), publishing);
    await link(publishing, pathOf(target.finalUri));
    const taken = `${h.sinkUri}/taken`;
    await rename(pathOf(target.finalUri), pathOf(taken));
    for (const publish of ['commit', 'commitAfterRecovery'] as const) {
      const error = await expectCode(
        createFileStore({ pacer: impatient })[publish](target, durableOf('data\n')),
        'STORE_FILE_MISSING',
      );
      expect(error.message).toMatch(/moved away/);
    }
    expect([...(await h.readers()).keys()]).toEqual(['taken']);
    // Put back, it is recognized.
    await rename(pathOf(taken), pathOf(target.finalUri));
    await createFileStore().commitAfterRecovery(target, durableOf('data\n'));
    await expectReaders(h, [target, 'data\n']);
  });

  test('a file that shows up late is found: missing is only what stays missing', async () => {
    const target = newTarget(h);
    let pauses = 0;
    const store = createFileStore({
      pacer: {
        nowMs: () => 0,
        pause: async () => {
          pauses += 1;
          if (pauses === 3) await h.put(target.finalUri, bytesOf('data\n'));
        },
      },
    });
    await store.commitAfterRecovery(target, durableOf('data\n'));
    await expectReaders(h, [target, 'data\n']);
  });

  test('names that keep changing while they are looked at end in an error, not in a loop', async () => {
    const target = await temporaryHolding('data\n');
    const store = storeWith(failing((call) => call.name === 'link', 'EEXIST'));
    const error = await expectCode(
      store.commitAfterRecovery(target, durableOf('data\n')),
      'STORE_UNAVAILABLE',
    );
    expect(error.message).toMatch(/kept changing/);
  });
});

describe('finishing a copy', () => {
  test('a copy name that is taken is left alone', async () => {
    const target = await temporaryHolding('data\n');
    const copy = `${target.temporaryUri}.2`;
    await h.put(copy, bytesOf('somebody else'));
    await expectCode(finishWith(createFileStore(), target, durableOf('data\n'), copy), 'STORE_EXISTS');
    expect(await readFile(pathOf(copy), 'utf8')).toBe('somebody else');
  });

  test('a full disk is reported as such, and the half of the copy gives its space back', async () => {
    const target = await temporaryHolding('data\n');
    const store = storeWith(failing((call) => call.name === 'handle.write', 'ENOSPC'));
    const error = await expectCode(
      finishWith(store, target, durableOf('data\n'), `${target.temporaryUri}.2`),
      'STORE_UNAVAILABLE',
    );
    expect(error.message).toMatch(/free some space/);
    expect(await readdir(dirname(pathOf(target.temporaryUri)))).toEqual([
      pathOf(target.temporaryUri).split('/').at(-1),
    ]);
  });

  test('a copy that reads back otherwise than it was written is refused', async () => {
    const target = await temporaryHolding('data\n');
    const copy = pathOf(`${target.temporaryUri}.2`);
    const store = storeWith({
      before: async (call) => {
        if (call.name === 'handle.datasync' && call.paths[0] === copy) await writeFile(copy, 'dAta\n');
      },
    });
    await expectCode(
      finishWith(store, target, durableOf('data\n'), `${target.temporaryUri}.2`),
      'STORE_CONTENT_DIFFERS',
    );
  });

  test('a file system that clones blocks yields the durable length too', async () => {
    const target = await temporaryHolding('data\nand what came after');
    const fileSystem = tappedFileSystem({});
    const copyFile: typeof fileSystem.copyFile = async (from, to) => {
      await writeFile(to, await readFile(from as string), { flag: 'wx' });
    };
    const store = createFileStore({ fileSystem: { ...fileSystem, copyFile } });
    const copy = `${target.temporaryUri}.2`;
    await finishWith(store, target, durableOf('data\n'), copy);
    expect(await readFile(pathOf(copy), 'utf8')).toBe('data\n');
    await expectCode(finishWith(store, target, durableOf('data\n'), copy), 'STORE_EXISTS');
  });

  test('into a folder that is gone: the folder is made again', async () => {
    const target = await temporaryHolding('data\n');
    const copy = `${h.sinkUri}/new/folder/.copy`;
    await finishWith(createFileStore(), target, durableOf('data\n'), copy);
    expect(await readFile(pathOf(copy), 'utf8')).toBe('data\n');
  });
});
