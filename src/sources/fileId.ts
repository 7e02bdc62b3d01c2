/**
 * A file's id: how many of its first bytes it covers, and a fingerprint of them (`4096:0f3a...`). Appending leaves it as it is. An id of an
 * earlier version is a fingerprint of the first line alone.
 */

const OF_BYTES = /^(\d{1,15}):[0-9a-f]{16}$/;
const OF_FIRST_LINE = /^[0-9a-f]{16}$/;

/** How many bytes the id covers; null where that is the first line, or where it is no file's. */
export function coveredBytes(id: string): number | null {
  const bytes = OF_BYTES.exec(id)?.[1];
  return bytes === undefined ? null : Number(bytes);
}

/** Whether `found` tells more of the same file than `known` does; the caller has proved that the file has both. Never so for a Kafka topic. */
export function tellsMore(found: string, known: string): boolean {
  const foundBytes = coveredBytes(found);
  if (foundBytes === null) return false;
  const knownBytes = coveredBytes(known);
  return knownBytes === null ? OF_FIRST_LINE.test(known) : foundBytes > knownBytes;
}
