/**
 * gzip and zstd through node:zlib, into our own memory. The public functions make a new context and new
 * buffers for every call. A stream's `_handle`, on which they are built, does not, so it is kept and written
 * to directly. It is internal to Node: a trial precedes its use, and if it has changed, the public functions
 * do the same work, only slower.
 */
import {
  constants,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { NeverFits } from '../../unpackRoom.ts';
import { Output } from './unpackOutput.ts';

type Unpack = (packed: Buffer, output: Output) => void;

interface Handle {
  onerror: (message: string, errorNumber: number, code: string) => void;
  reset(): void;
  writeSync(...args: [...WriteInput, output: Buffer, outputAt: number, outputBytes: number]): void;
}

type WriteInput = [flush: number, input: Buffer, inputAt: number, inputBytes: number];

interface Stream {
  readonly _handle: Handle;
  /** What the last write left: room in the output, bytes of the input. */
  readonly _writeState: Uint32Array;
}

/** One stream's handle, at the beginning of a frame. After an error it accepts no further write. */
class KeptHandle {
  readonly #handle: Handle;
  readonly #state: Uint32Array;
  readonly #codec: ZlibCodec;
  #failure: Error | null = null;

  constructor(codec: ZlibCodec) {
    const { _handle: handle, _writeState: state } = codec.open() as Stream;
    this.#handle = handle;
    this.#state = state;
    this.#codec = codec;
    handle.onerror = (message, _errorNumber, code) => {
      this.#failure = Object.assign(new Error(message), { code });
    };
  }

  /** Unpacks all frames or members, one after the other. */
  unpack(packed: Buffer, output: Output): void {
    if (packed.length === 0) throw new Error('there is no frame');
    for (let at = 0, isDone = false; !isDone;) {
      if (output.roomBytes === 0) output.grow(output.length + 1);
      const leftBytes = this.#write(packed, at, output);
      const isFrameDone = output.roomBytes > 0;
      isDone = isFrameDone && leftBytes === 0;
      if (isFrameDone && !isDone && leftBytes === packed.length - at)
        throw new Error('what follows the last frame is none');
      if (isFrameDone && this.#codec.isResetPerFrame) this.#handle.reset();
      at = packed.length - leftBytes;
    }
  }

  /** Returns how many bytes of the input are left. */
  #write(packed: Buffer, at: number, output: Output): number {
    const room = output.roomBytes;
    const input: WriteInput = [this.#codec.finishFlag, packed, at, packed.length - at];
    this.#handle.writeSync(...input, output.bytes, output.length, room);
    if (this.#failure !== null) throw this.#failure;
    const [roomLeft = 0, inputLeft = 0] = this.#state;
    output.length += room - roomLeft;
    return inputLeft;
  }
}

export interface ZlibCodec {
  readonly open: () => object;
  readonly finishFlag: number;
  /**
   * Whether the handle needs a reset after each frame. zstd's does not, and a reset would make a new context.
   */
  readonly isResetPerFrame: boolean;
  /** The public function. */
  readonly unpackSync: (packed: Buffer, options: { readonly maxOutputLength: number }) => Buffer;
  /** For the trial. */
  readonly packSync: (bytes: Buffer) => Buffer;
}

export const GZIP: ZlibCodec = {
  open: () => createGunzip(),
  finishFlag: constants.Z_FINISH,
  isResetPerFrame: true,
  unpackSync: (packed, options) => gunzipSync(packed, options),
  packSync: (bytes) => gzipSync(bytes),
};

export const ZSTD: ZlibCodec = {
  open: () => createZstdDecompress(),
  finishFlag: constants.ZSTD_e_end,
  isResetPerFrame: false,
  unpackSync: (packed, options) => zstdDecompressSync(packed, options),
  packSync: (bytes) => zstdCompressSync(bytes),
};

/** Whether the handle works as expected: it unpacks two frames, into an output that is too short at first. */
export function isSeamThere(codec: ZlibCodec): boolean {
  const bytes = Buffer.from('the same twice, '.repeat(8));
  const frame = codec.packSync(bytes);
  const output = new TrialOutput(Buffer.alloc(bytes.length));
  try {
    new KeptHandle(codec).unpack(Buffer.concat([frame, frame]), output);
  } catch {
    return false;
  }
  return Buffer.concat([bytes, bytes]).equals(output.bytes.subarray(0, output.length));
}

/** Bounds the output of a stream that never ends. */
const TRIAL_BYTES_MAX = 1024;

class TrialOutput extends Output {
  override grow(bytes: number): void {
    if (bytes > TRIAL_BYTES_MAX) super.grow(bytes);
    this.bytes = Buffer.concat([this.bytes], 2 * bytes);
  }
}

/** The trial runs, and the stream is made, at the first batch. */
export function zlibUnpacker(codec: ZlibCodec, isSeamUsable = isSeamThere): Unpack {
  let isUsable: boolean | null = null;
  let kept: KeptHandle | null = null;
  return (packed, output) => {
    isUsable ??= isSeamUsable(codec);
    if (!isUsable) {
      output.append(unpackPublicly(codec, packed, output.leftBytesMax));
      return;
    }
    const handle = kept ?? new KeptHandle(codec);
    kept = null;
    handle.unpack(packed, output);
    kept = handle;
  };
}

/** The result is allocated outside the room, so at least its size is limited beforehand. */
function unpackPublicly(codec: ZlibCodec, packed: Buffer, bytesMax: number): Buffer {
  try {
    return codec.unpackSync(packed, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (error) {
    const isTooLarge =
      error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? new NeverFits(bytesMax, error) : error;
  }
}
