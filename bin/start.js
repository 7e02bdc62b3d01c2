'use strict';
/** Loads the program and prepares its environment. Only a Node that is new enough gets here. */
const { existsSync } = require('node:fs');
const { enableCompileCache, flushCompileCache } = require('node:module');
const { homedir } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// Half of the start-up time is compilation. A service seldom ends by a normal exit, so the compile cache is
// flushed earlier.
const CACHE_WRITTEN_AFTER_MS = 3_000;

/** In the user's own folder: a shared one could hold somebody else's code. Null if there is none. */
function cacheFolder() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (HOME) return join(HOME, '.cache');
  try {
    return join(homedir(), '.cache');
  } catch (error) {
    // /etc/passwd does not list a container's user. Without the cache, the start is only slower.
    if (error.code === 'ERR_SYSTEM_ERROR') return null;
    throw error;
  }
}

exports.start = async (onSignal) => {
  // Each call of JindoSDK (OSS-HDFS) holds a thread of this pool until the service answers. Node reads the
  // size when the pool is first used.
  process.env.UV_THREADPOOL_SIZE ??= '36';
  const folder = cacheFolder();
  if (folder !== null) {
    // The result reports a folder that is not writable. It is ignored: the cache is optional.
    enableCompileCache(join(folder, 'tidemark', 'compiled'));
    setTimeout(flushCompileCache, CACHE_WRITTEN_AFTER_MS).unref();
  }
  // A checkout runs its sources, an installed package its build: Node refuses TypeScript below node_modules.
  const source = join(__dirname, '../src/cli/main.ts');
  const built = join(__dirname, '../dist/src/cli/main.js');
  const { main } = await import(pathToFileURL(existsSync(source) ? source : built).href);
  process.exitCode = await main({ args: process.argv.slice(2), env: process.env, onSignal });
};
