/**
 * A file's id: the number of its first bytes that it covers, and their fingerprint (`4096:0f3a...`).
 * Appending does not change it. An id of an earlier version is a fingerprint of the first line only.
 */

const OF_BYTES = /^(\d{1,15}):[0-9a-f]{16}$/;
const OF_FIRST_LINE = /^[0-9a-f]{16}$/;

/** The number of bytes that the id covers. Null if it covers the first line, or if it is not a file's id. */
export function coveredBytes(id: string): number | null {
  const bytes = OF_BYTES.exec(id)?.[1];
  return bytes === undefined ? null : Number(bytes);
}

/**
 * Whether `found` covers more of the file than `known`. The caller has proved that the file has both ids.
 * Always false for a Kafka topic.
 */
export function tellsMore(found: string, known: string): boolean {
  const foundBytes = coveredBytes(found);
  if (foundBytes === null) return false;
  const knownBytes = coveredBytes(known);
  return knownBytes === null ? OF_FIRST_LINE.test(known) : foundBytes > knownBytes;
}
