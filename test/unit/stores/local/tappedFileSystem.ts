/** node:fs/promises with a tap on every call, those of its descriptors included. */
import * as fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { FileSystem } from '../../../../src/stores/local/fileSystem.ts';

export interface Call {
  /** The function, `handle.write` for one of a descriptor. */
  readonly name: string;
  /** The path, or the two of them; for a descriptor the path that it was opened by. */
  readonly paths: readonly string[];
  readonly args: readonly unknown[];
}

export interface Tap {
  /** May throw (the call is not made then) or never return. */
  before?(call: Call): Promise<void> | void;
  /** May throw or never return although the call took effect. */
  after?(call: Call, result: unknown): Promise<void> | void;
}

type AnyFunction = (...args: unknown[]) => Promise<unknown>;

const TWO_PATHS: ReadonlySet<string> = new Set(['copyFile', 'link', 'rename']);

export function tappedFileSystem(tap: Tap): FileSystem & { closeAll(): Promise<void> } {
  const opened: FileHandle[] = [];
  const tapped = async (call: Call, run: () => Promise<unknown>): Promise<unknown> => {
    await tap.before?.(call);
    const result = await run();
    await tap.after?.(call, result);
    return result;
  };
  const tapHandle = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as AnyFunction;
        const name = `handle.${String(property)}`;
        return (...args: unknown[]) => tapped({ name, paths: [path], args }, () => method(...args));
      },
    });
  const run = async (method: AnyFunction, args: unknown[], isOpen: boolean): Promise<unknown> => {
    const result = await method(...args);
    if (isOpen) opened.push(result as FileHandle);
    return result;
  };
  const tapCall =
    (name: string, method: AnyFunction): AnyFunction =>
    async (...args) => {
      const paths = args.slice(0, TWO_PATHS.has(name) ? 2 : 1).map(String);
      const result = await tapped({ name, paths, args }, () => run(method, args, name === 'open'));
      return name === 'open' ? tapHandle(result as FileHandle, paths[0] ?? '') : result;
    };
  const names = [
    'copyFile',
    'link',
    'lstat',
    'mkdir',
    'open',
    'opendir',
    'readdir',
    'rename',
    'rmdir',
    'stat',
    'unlink',
  ] as const;
  const calls = Object.fromEntries(names.map((name) => [name, tapCall(name, fs[name] as AnyFunction)]));
  return {
    ...(calls as unknown as FileSystem),
    // Closing twice is refused by the descriptor itself, and of no interest here.
    closeAll: async () => {
      await Promise.allSettled(opened.map((handle) => handle.close()));
    },
  };
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected by the test`), { code });
}

/** Fails the calls that match, with this system error, without making them. */
export function failing(matches: (call: Call) => boolean, code: string): Tap {
  return {
    before: (call) => {
      if (matches(call)) throw systemError(code);
    },
  };
}
