/**
 * gzip and zstd through node:zlib, into memory of ours. Its own functions make a new context and new buffers for every call; what
 * they are built upon does not: a stream's `_handle`, here kept and written to directly. That is an inner seam of Node, so it
 * is tried out before it is used, and where it has moved the public functions do the same, slower.
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

/** One stream's handle, at the begin of a frame. It takes no further write after an error. */
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

  /** All frames or members, one behind the other. */
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

  /** Gives how many bytes of the input are left. */
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
  /** Else the handle is ready for another frame when one has ended; zstd's would make a new context. */
  readonly isResetPerFrame: boolean;
  /** The public way. */
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

/** True where the seam is what it is taken for: two frames give their bytes, through an output that is too short at first. */
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

/** What never ends would grow it without end. */
const TRIAL_BYTES_MAX = 1024;

class TrialOutput extends Output {
  override grow(bytes: number): void {
    if (bytes > TRIAL_BYTES_MAX) super.grow(bytes);
    this.bytes = Buffer.concat([this.bytes], 2 * bytes);
  }
}

/** The seam is tried, and a stream made, at the first batch. */
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

/** Its memory is the garbage collector's: at least it is bounded before it is made. */
function unpackPublicly(codec: ZlibCodec, packed: Buffer, bytesMax: number): Buffer {
  try {
    return codec.unpackSync(packed, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (error) {
    const isTooLarge =
      error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? new NeverFits(bytesMax, error) : error;
  }
}
