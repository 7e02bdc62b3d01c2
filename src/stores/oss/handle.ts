/** What the journal keeps of a multipart upload. */
import type { Crc64Hex } from '../../../journal/ids.ts';
import { handleInvalid } from '../failure.ts';
import type { DurablePart, PartTarget, StoreHandle } from '../port.ts';

/** The last number that OSS allows: the end of a file that a later owner finishes. No writer uses it. */
export const END_PART = 10_000;

/** An upload part, as its completion names it. */
export type UploadedPart = { number: number; etag: string; length: number };

/** An object beside the file, which never changes. */
export type SideObject = { uri: string; length: number; crc64: Crc64Hex };

export type UploadHandle = {
  uploadId: string;
  /** Key of the object that the upload becomes: without it an upload cannot be aborted. */
  key?: string;
  /** Ascending by number. */
  parts: UploadedPart[];
  /** The bytes after the last upload part. */
  tail: SideObject | null;
  /** The bytes of part END_PART, if there is one: for the case that an earlier settler overwrites it. */
  end?: SideObject;
};

/** STORE_HANDLE_INVALID if it was not written by this store, or does not hold the journaled length. */
export function handleOf({ temporaryUri, finalUri }: PartTarget, durable: DurablePart): UploadHandle {
  const handle = parseHandle(durable.handle);
  if (handle === null) {
    const message = `The handle journaled for ${temporaryUri} (${finalUri}) was not written by the OSS store.`;
    throw handleInvalid(message, temporaryUri);
  }
  const { parts, tail } = handle;
  const held = partsLength(parts) + (tail?.length ?? 0);
  if (held === durable.length) return handle;
  const message =
    `The handle journaled for ${temporaryUri} (${finalUri}) stands for ${held} bytes, though ${durable.length} were ` +
    'journaled as durable.';
  throw handleInvalid(message, temporaryUri);
}

/** Null if it is none of this store. */
export function parseHandle(handle: StoreHandle): UploadHandle | null {
  if (handle === null || typeof handle !== 'object' || Array.isArray(handle)) return null;
  const isUpload = typeof handle['uploadId'] === 'string' && Array.isArray(handle['parts']);
  return isUpload ? (handle as unknown as UploadHandle) : null;
}

export function partsLength(parts: readonly UploadedPart[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
