/**
 * The memory of all uploads of a process: bytes wait there until they are a whole upload part, and until that
 * is uploaded. If it runs short, the file that holds most is uploaded early.
 */

/** Pieces grow with what a file holds: many small files need little. */
const PIECE_BYTES_MIN = 8 * 1024;
const PIECE_BYTES_MAX = 256 * 1024;
/** Share of the room in pieces that are kept for reuse. */
const KEPT_SHARE = 1 / 4;

export interface UploadingFile {
  /** Bytes that it could upload now as a part; 0 if there are too few, or if it is busy. */
  readonly uploadableBytes: number;
  /** Begins to upload them. */
  uploadEarly(): void;
}

/** Parts of this size that fit, and the least room. */
const PARTS = 4;
const ROOM_BYTES_MIN = 64 * 1024 * 1024;

/** Memory for uploads, in bytes, that a job with parts of this size takes. */
export function uploadRoomBytes(uploadPartBytes: number): number {
  return Math.max(ROOM_BYTES_MIN, PARTS * uploadPartBytes);
}

export class UploadRoom {
  readonly bytesMax: number;
  #takenBytes = 0;
  #uploads = 0;
  #keptBytes = 0;
  readonly #kept = new Map<number, Buffer[]>();
  readonly #files = new Set<UploadingFile>();
  #waiting: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes taken beyond the room: part files must be closed for them. */
  get excessBytes(): number {
    return Math.max(0, this.#takenBytes - this.bytesMax);
  }

  join(file: UploadingFile): void {
    this.#files.add(file);
  }

  leave(file: UploadingFile): void {
    this.#files.delete(file);
  }

  /** A piece for a file that holds `heldBytes` and has `wantedBytes` to add. */
  take(heldBytes: number, wantedBytes: number): Buffer {
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, heldBytes, wantedBytes)));
    const bytes = Math.min(PIECE_BYTES_MAX, Math.max(PIECE_BYTES_MIN, wanted));
    this.#takenBytes += bytes;
    const kept = this.#kept.get(bytes)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(bytes);
    this.#keptBytes -= bytes;
    return kept;
  }

  /** @param isInUse a failed request may still read them: they are not taken again. */
  give(pieces: readonly Buffer[], isInUse = false): void {
    for (const piece of pieces) {
      this.#takenBytes -= piece.length;
      if (isInUse || this.#keptBytes >= this.bytesMax * KEPT_SHARE) continue;
      this.#keptBytes += piece.length;
      const kept = this.#kept.get(piece.length) ?? [];
      this.#kept.set(piece.length, kept);
      kept.push(piece);
    }
    this.#wake();
  }

  /** Counts an upload until it ends. */
  async during<T>(upload: Promise<T>): Promise<T> {
    this.#uploads += 1;
    try {
      return await upload;
    } finally {
      this.#uploads -= 1;
      this.#wake();
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves once there is room, or nothing is uploaded whose end would give some. */
  async room(): Promise<void> {
    while (this.#takenBytes > this.bytesMax) {
      this.#relieve();
      if (this.#uploads === 0) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #relieve(): void {
    let largest: UploadingFile | null = null;
    for (const file of this.#files)
      if (file.uploadableBytes > (largest?.uploadableBytes ?? 0)) largest = file;
    largest?.uploadEarly();
  }
}
