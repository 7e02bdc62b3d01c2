/** How fast one process writes part files to OSS-HDFS, and what that costs the event loop and the memory. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Crc64 } from '../kernels/crc64.ts';
import { openOssHdfsStore, type OssHdfsStoreOptions } from '../src/stores/ossHdfs/store.ts';
import type { Store } from '../src/stores/port.ts';
import { PeakMemory } from './peakMemory.ts';

const MIB = 1024 * 1024;
/** The size of the coordinator's writes. */
const WRITE_BYTES = MIB / 4;
const PERSIST_BYTES = 8 * MIB;

export interface OssHdfsBench {
  readonly store: OssHdfsStoreOptions;
  readonly sinkUri: string;
  readonly totalBytes: number;
  /** Files written concurrently, all of the same length. */
  readonly files: number;
}

export interface OssHdfsFigures {
  readonly seconds: number;
  readonly bytes: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly peakMemoryMiB: number;
}

export async function benchOssHdfs({
  store: options,
  sinkUri,
  totalBytes,
  files,
}: OssHdfsBench): Promise<OssHdfsFigures> {
  const store = await openOssHdfsStore(options);
  const session = store.session();
  const memory = new PeakMemory(process.pid);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const bytesOfEach = Math.ceil(totalBytes / files);
  delay.enable();
  const startedMs = performance.now();
  try {
    await Promise.all(
      Array.from({ length: files }, (_, index) => writeFile(session, sinkUri, index, bytesOfEach)),
    );
    const seconds = (performance.now() - startedMs) / 1000;
    delay.disable();
    return {
      ...{ seconds, bytes: bytesOfEach * files },
      ...{ loopDelayP99Ms: delay.percentile(99) / 1e6, loopDelayMaxMs: delay.max / 1e6 },
      peakMemoryMiB: memory.stop(),
    };
  } finally {
    memory.stop();
    await session.close();
    await store.close();
  }
}

/** Creates a file, writes it with a running checksum and occasional flushes, closes and publishes it. */
async function writeFile(store: Store, sinkUri: string, index: number, length: number): Promise<void> {
  const name = `part-${String(index).padStart(4, '0')}`;
  const target = { partId: name, finalUri: `${sinkUri}/${name}`, temporaryUri: `${sinkUri}/.${name}` };
  const file = await store.create(target);
  const crc = new Crc64();
  const buffer = Buffer.alloc(WRITE_BYTES, `${name}, one line of many\n`);
  let unflushed = 0;
  for (let written = 0; written < length;) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - written));
    crc.update(piece, 0, piece.length);
    await file.write(piece);
    written += piece.length;
    unflushed += piece.length;
    if (unflushed < PERSIST_BYTES) continue;
    await file.persist();
    unflushed = 0;
  }
  const handle = await file.closeForCommit();
  await store.commit(target, { length, crc64: crc.hex(), handle });
}
