'use strict';
/** Loads the program, with what it needs set before. Only a Node that is new enough comes here. */
const { existsSync } = require('node:fs');
const { enableCompileCache, flushCompileCache } = require('node:module');
const { homedir } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// Half of a start is compiling. A service is seldom ended by its exit, so what was compiled is kept before.
const CACHE_WRITTEN_AFTER_MS = 3_000;

/** Below the user's own folder: what lies in a shared one could be somebody else's code. Null where there is none. */
function cacheFolder() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (HOME) return join(HOME, '.cache');
  try {
    return join(homedir(), '.cache');
  } catch (error) {
    // A container's user that /etc/passwd does not name: without the cache it is only slower.
    if (error.code === 'ERR_SYSTEM_ERROR') return null;
    throw error;
  }
}

exports.start = async (onSignal) => {
  // Calls of JindoSDK (OSS-HDFS) each hold a thread of this pool while the service answers; its size is read when it is first used.
  process.env.UV_THREADPOOL_SIZE ??= '36';
  const folder = cacheFolder();
  if (folder !== null) {
    // A folder that cannot be written is reported in its result, which nobody needs.
    enableCompileCache(join(folder, 'tidemark', 'compiled'));
    setTimeout(flushCompileCache, CACHE_WRITTEN_AFTER_MS).unref();
  }
  // A checkout runs its sources; an installed package its build: Node refuses TypeScript below node_modules.
  const source = join(__dirname, '../src/cli/main.ts');
  const built = join(__dirname, '../dist/src/cli/main.js');
  const { main } = await import(pathToFileURL(existsSync(source) ? source : built).href);
  process.exitCode = await main({ args: process.argv.slice(2), env: process.env, onSignal });
};
