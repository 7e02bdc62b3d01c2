/** Records of the source that no file can hold: neighbours are reported together. */
import type { PartitionHistory } from '../partitionHistory.ts';

export class MissingRecords {
  readonly #history: PartitionHistory;
  #run: { readonly from: bigint; to: bigint; records: number; readonly bucket: string } | null = null;

  constructor(history: PartitionHistory) {
    this.#history = history;
  }

  /** In the order of offsets. */
  add(offset: bigint, bucket: string): void {
    const run = this.#run;
    if (run !== null && run.to + 1n === offset && run.bucket === bucket) {
      run.to = offset;
      run.records += 1;
      return;
    }
    this.end();
    this.#run = { from: offset, to: offset, records: 1, bucket };
  }

  end(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    const which = run.records === 1 ? `offset ${run.from} is` : `offsets ${run.from} to ${run.to} are`;
    const bucket = run.bucket === '' ? '' : ` of bucket ${run.bucket}`;
    this.#history.found('RECORD_MISSING', `${which} in no file${bucket}`, {
      ...{ uri: null, seq: null, offset: run.from },
    });
  }
}
