/**
 * The socket of a connection to a broker, which passes whole answers to kafkajs. Kafka's answers are frames:
 * a length, then as many bytes. Long frames are read directly into a buffer of their length. Joining one
 * chunk per read at the end costs more than all other work on the bytes.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { SPEAKS_TLS } from './errors.ts';
import { takeFrame } from '../wire/framePool.ts';

const KEEP_ALIVE_DELAY_MS = 60_000;
const LENGTH_BYTES = 4;
const HEAD_BYTES = 64 * 1024;
/** The start of a TLS record: an alert or a handshake of SSL 3 to TLS 1.3. */
const TLS_RECORDS: readonly number[] = [0x1503, 0x1603];
/**
 * No broker answers with more. A peer that announces more is not a broker (the letters HTTP, for example).
 */
const FRAME_BYTES_MAX = 1024 * 1024 * 1024;

/** Assembles frames from what the socket reads; `space` is the target of the next read. */
export class FrameReader {
  readonly #emit: (frame: Buffer) => void;
  readonly #head = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #headFilled = 0;
  #frame: Buffer | null = null;
  #frameFilled = 0;

  constructor(emit: (frame: Buffer) => void) {
    this.#emit = emit;
  }

  space(): Buffer {
    return this.#frame === null
      ? this.#head.subarray(this.#headFilled)
      : this.#frame.subarray(this.#frameFilled);
  }

  /** Reports that this many bytes were read into `space`. Throws if they do not begin a frame. */
  filled(bytes: number): void {
    if (this.#frame === null) {
      this.#headFilled += bytes;
      this.#takeApart();
      return;
    }
    this.#frameFilled += bytes;
    if (this.#frameFilled < this.#frame.length) return;
    const frame = this.#frame;
    this.#frame = null;
    this.#emit(frame);
  }

  /**
   * Emits the whole frames in the head. The beginning of an incomplete one goes to that frame's own buffer.
   */
  #takeApart(): void {
    let at = 0;
    while (this.#frame === null && this.#headFilled - at >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + this.#head.readInt32BE(at);
      // A TLS record, an alert or a handshake, would pass for a frame of 352 MB.
      if (TLS_RECORDS.includes((length - LENGTH_BYTES) >>> 16)) throw new Error(SPEAKS_TLS);
      if (length < LENGTH_BYTES || length > FRAME_BYTES_MAX)
        throw new Error(`an answer of ${length} bytes is announced: is this a Kafka broker?`);
      const frame = takeFrame(length);
      const found = this.#head.copy(frame, 0, at, Math.min(this.#headFilled, at + length));
      at += found;
      if (found === length) this.#emit(frame);
      else {
        this.#frame = frame;
        this.#frameFilled = found;
      }
    }
    this.#head.copyWithin(0, at, this.#headFilled);
    this.#headFilled -= at;
  }
}

/**
 * Plain connections read frames. TLS passes on decrypted chunks, as kafkajs's own factory does.
 *
 * @param tls gives the options of the next connection; undefined: no TLS.
 */
export function frameSocketFactory(tls: (() => ConnectionOptions) | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket =
      tls === undefined
        ? connectFramed(host, port, onConnect)
        : connectTls({ host, port, ...servername, ...tls() }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    return socket;
  };
}

function connectFramed(host: string, port: number, onConnect: () => void): Socket {
  const reader = new FrameReader((frame) => void socket.emit('data', frame));
  const callback = (bytes: number): boolean => {
    try {
      reader.filled(bytes);
    } catch (error) {
      socket.destroy(error as Error);
    }
    return true;
  };
  const socket: Socket = connect(
    { host, port, onread: { buffer: () => reader.space(), callback } },
    onConnect,
  );
  return socket;
}
