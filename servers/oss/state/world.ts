import { DataFolder, type Segment } from './content.ts';
import { type Change, Records, type Table } from './records.ts';

export type BucketRow = {
  readonly name: string;
  readonly createdAtMs: number;
  readonly versioning: 'off' | 'Enabled' | 'Suspended';
};

export type ObjectRow = {
  readonly segments: readonly Segment[];
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly crc64: string;
  readonly type: 'Normal' | 'Multipart' | 'Appendable';
  readonly modifiedAtMs: number;
  /** content-type and the like, and x-oss-meta-*: set by the put, returned by the get. */
  readonly headers: Readonly<Record<string, string>>;
};

export type UploadRow = {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedAtMs: number;
  readonly headers: Readonly<Record<string, string>>;
};

export type PartRow = {
  readonly uploadId: string;
  readonly number: number;
  readonly segment: Segment;
  readonly etag: string;
  readonly crc64: string;
  readonly modifiedAtMs: number;
};

/** The server's whole state, which outlives its process. */
export class World {
  readonly data: DataFolder;
  readonly buckets: Table<BucketRow>;
  readonly #records: Records;

  constructor(dir: string, options: { readonly sync: boolean }) {
    this.#records = new Records(dir);
    this.data = new DataFolder(dir, options);
    this.buckets = this.#records.table<BucketRow>('buckets');
    this.data.keepOnly(this.#ownedSegments());
  }

  objects(bucket: string): Table<ObjectRow> {
    return this.#records.table<ObjectRow>(`objects:${bucket}`);
  }

  uploads(bucket: string): Table<UploadRow> {
    return this.#records.table<UploadRow>(`uploads:${bucket}`);
  }

  /** By `partKey`. */
  parts(bucket: string): Table<PartRow> {
    return this.#records.table<PartRow>(`parts:${bucket}`);
  }

  table<Row>(name: string): Table<Row> {
    return this.#records.table<Row>(name);
  }

  commit(...changes: readonly Change[]): void {
    this.#records.commit(changes);
  }

  /** Puts an object in place of whatever was there. */
  putObject(bucket: string, key: string, row: ObjectRow, ...more: readonly Change[]): void {
    const objects = this.objects(bucket);
    const before = objects.get(key);
    this.commit(objects.put(key, row), ...more);
    if (before !== undefined) this.data.release(before.segments);
  }

  removeObjects(bucket: string, keys: readonly string[]): void {
    const objects = this.objects(bucket);
    const there = keys.flatMap((key) => objects.get(key) ?? []);
    if (there.length === 0) return;
    this.commit(...keys.map((key) => objects.remove(key)));
    for (const { segments } of there) this.data.release(segments);
  }

  close(): void {
    this.#records.close();
  }

  #ownedSegments(): Segment[] {
    return [...this.buckets.values()].flatMap(({ name }) => [
      ...[...this.objects(name).values()].flatMap(({ segments }) => segments),
      ...[...this.parts(name).values()].map(({ segment }) => segment),
    ]);
  }
}

/** Sorts by number within an upload. */
export function partKey(uploadId: string, number: number): string {
  return `${uploadId}/${String(number).padStart(5, '0')}`;
}
