/** How the memory of a run would be shared, and what its open files would take of it. Pure. */
import {
  BUFFER_BYTES_FIRST,
  HEAP_RESERVE_BYTES,
  leastCeilingBytes,
  MemoryBudget,
  OPEN_FILE_BYTES,
  shareMemory,
} from '../system/memoryBudget.ts';

/** Above it the buffers of a file of lines do not grow: a compressed frame. */
const LINES_BYTES_MAX = 1024 * 1024;

export interface MemoryFacts {
  readonly ceilingBytes: number;
  /** Whether the job file says so. */
  readonly isSet: boolean;
  /** What the program itself takes, measured, and what its store may take. */
  readonly takenBytes: number;
  /** Memory of the rows of a file at which their group ends; null for files of lines. */
  readonly rowGroupBytes: number | null;
  /** Part files that the system and `bucket.maxOpen` allow. */
  readonly filesMax: number;
  /** Expected at the same time, in all topics. */
  readonly filesOpen: number;
  /** Of a row while its group is open; null if no row was sampled. */
  readonly rowBytes: number | null;
  /** Written to a file in a checkpoint interval, before compression; the largest of all. */
  readonly bytesPerInterval: number;
  /** Of the files of rows, records of the largest. */
  readonly recordsPerFile: number;
}

export interface MemoryPlan {
  readonly ceilingBytes: number;
  readonly isSet: boolean;
  readonly takenBytes: number;
  /** Null if the memory does not suffice. */
  readonly shares: {
    readonly fetchBytes: number;
    readonly writeBytes: number;
  } | null;
  /** The least that would suffice. */
  readonly leastBytes: number;
  /** Part files that may be open at once: by the system, `bucket.maxOpen` and the memory. */
  readonly filesMax: number;
  readonly filesOpen: number;
  readonly rowGroup: {
    /** As the job file says. */
    readonly bytes: number;
    /** As the memory allows, with the files that are expected to be open. */
    readonly expectedBytes: number;
    /** The same if as many are open as may be. */
    readonly leastBytes: number;
    /** Rows of an expected group; null if no row was sampled. */
    readonly rows: number | null;
  } | null;
  /** Resident memory at its height, about. Never more than the ceiling, if files can be closed early. */
  readonly peakBytes: number;
}

export function planMemory(facts: MemoryFacts): MemoryPlan {
  const { ceilingBytes, isSet, takenBytes, filesOpen } = facts;
  const leastBytes = leastCeilingBytes(takenBytes);
  const common = { ceilingBytes, isSet, takenBytes, leastBytes, filesOpen };
  if (ceilingBytes < leastBytes)
    return { ...common, shares: null, filesMax: 0, rowGroup: null, peakBytes: leastBytes };
  const { fetchBytes, writeBytes } = shareMemory(ceilingBytes, takenBytes);
  const budget = new MemoryBudget({ ceilingBytes, writeBytes, residentBytes: () => takenBytes });
  const filesMax = Math.min(facts.filesMax, budget.openFilesMax);
  const open = Math.min(filesOpen, filesMax);
  const writing = Math.min(writeBytes, open * (OPEN_FILE_BYTES + bytesPerFile(facts)));
  return {
    ...common,
    shares: { fetchBytes, writeBytes },
    filesMax,
    rowGroup: rowGroupOf(facts, writeBytes, open, filesMax),
    peakBytes: Math.min(ceilingBytes, takenBytes + HEAP_RESERVE_BYTES + fetchBytes + writing),
  };
}

function bytesPerFile({ rowGroupBytes, rowBytes, recordsPerFile, bytesPerInterval }: MemoryFacts): number {
  if (rowGroupBytes !== null) return Math.min(rowGroupBytes, (rowBytes ?? 0) * recordsPerFile);
  return Math.min(LINES_BYTES_MAX, Math.max(BUFFER_BYTES_FIRST, bytesPerInterval));
}

/** If memory runs short, the largest group ends early. */
function rowGroupOf(
  { rowGroupBytes: bytes, rowBytes }: MemoryFacts,
  writeBytes: number,
  open: number,
  filesMax: number,
): MemoryPlan['rowGroup'] {
  if (bytes === null) return null;
  const shared = (files: number): number =>
    Math.max(0, Math.min(bytes, Math.floor(writeBytes / Math.max(1, files)) - OPEN_FILE_BYTES));
  const expectedBytes = shared(open);
  const rows = rowBytes === null ? null : Math.max(1, Math.floor(expectedBytes / rowBytes));
  return { bytes, expectedBytes, leastBytes: shared(filesMax), rows };
}
