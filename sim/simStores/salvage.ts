/**
 * Searches bytes of files that a journal which went back knows by other names, like the real stores' salvage.
 */
import { crc64Of } from '../../kernels/crc64.ts';
import type { DurablePart, Salvage } from '../../src/stores/port.ts';

const TEMPORARY = '.tidemark-';

/** What a destination holds, by URI. */
export interface Standing {
  uris(): Iterable<string>;
  /** Absent if everything has only one name. */
  stands?(uri: string): boolean;
  /** Null if there is none that can be read now. */
  contentOf(uri: string): Buffer | null;
  /** Creates a closed, durable file under an unused name. */
  keep(uri: string, bytes: Buffer): void;
}

/** @param call every look, and every copy, is one call of the process. */
export function simSalvage(standing: Standing, call: <T>(arrives: () => T) => Promise<T>): Salvage {
  const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);
  const within = (folderUri: string): string[] =>
    [...standing.uris()].filter((uri) => uri.startsWith(`${folderUri}/`)).sort();
  return {
    list: (folderUri, matches) => call(() => within(folderUri).filter((uri) => matches(nameOf(uri)))),
    hidden: (folderUri) =>
      call(() => within(folderUri).filter((uri) => uri.startsWith(`${folderUri}/${TEMPORARY}`))),
    stands: (uri) => call(() => standing.stands?.(uri) ?? [...standing.uris()].includes(uri)),
    compare: (uri, durable) =>
      call(() => {
        const bytes = standing.contentOf(uri);
        return bytes === null ? null : compared(bytes, durable);
      }),
    copy: (fromUri, durable, toUri) =>
      call(() => {
        const bytes = standing.contentOf(fromUri);
        if (bytes === null) throw new Error(`${fromUri} is gone`);
        standing.keep(toUri, Buffer.from(bytes.subarray(0, durable.length)));
      }),
  };
}

function compared(bytes: Buffer, { length, crc64 }: DurablePart) {
  const holds = bytes.length >= length && crc64Of(bytes.subarray(0, length)) === crc64;
  return { holds, length: bytes.length, crc64: crc64Of(bytes) };
}
