/**
 * The files of one router that take records, by bucket and by slot. Several slots may share a bucket.
 *
 * What the kernel (kernels/lines.ts) is told of the rules, it is told here: the roll limits of each file, the
 * length of a slot, and the route from a slot to its file.
 */
import type { BucketAssigner, SlotRoutes } from '../../actors/buckets/rule.ts';
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import { routeFunction, type BulkLines, type RouteRun } from '../../kernels/lines.ts';
import { RouteTable } from '../../kernels/routeTable.ts';
import { BAD_BUCKET } from '../formats/bad/badLine.ts';
import { BAD_SLOT } from './badRecords.ts';
import type { PartWriter } from './partWriter.ts';

/** Slots of a file that are found without their bucket's name: a file may have any number. */
const SLOTS_PER_FILE_MAX = 1_000;
const NO_BEGIN = new Uint8Array(0);

/** The bucket of a slot; bad records have one of their own. */
export function bucketOfSlot(assigner: BucketAssigner, slot: number): string {
  return slot === BAD_SLOT ? BAD_BUCKET : assigner.bucketOf(slot);
}

export class TakingFiles {
  readonly #assigner: BucketAssigner;
  readonly #slotRoutes: SlotRoutes | null;
  readonly #rolling: RollingPolicy;
  readonly #byBucket = new Map<string, PartWriter>();
  readonly #bySlot = new Map<number, PartWriter>();
  readonly #slots = new Map<PartWriter, number[]>();
  readonly #routes = new RouteTable();

  constructor({ assigner, rolling }: { assigner: BucketAssigner; rolling: RollingPolicy }) {
    this.#assigner = assigner;
    this.#slotRoutes = assigner.routes;
    this.#rolling = rolling;
    assigner.keep?.((slot) => this.#bySlot.has(slot));
  }

  /**
   * What the router reuses for every call of the kernel; null if the kernel cannot route, or has no such
   * lines.
   */
  newRun(lines: BulkLines | null): RouteRun | null {
    if (this.#slotRoutes === null || lines === null) return null;
    const isCounted = this.#rolling.full.records !== Infinity;
    return {
      ...{ fromDelta: 0, toDelta: 0, owner: this.#routes.owner, slotMs: this.#slotRoutes.slotMs, nowMs: 0 },
      route: routeFunction({ isCounted, lines }),
      begin: lines.type === 'records' ? lines.begin : NO_BEGIN,
    };
  }

  get count(): number {
    return this.#byBucket.size;
  }

  has(bucket: string): boolean {
    return this.#byBucket.has(bucket);
  }

  ofBucket(bucket: string): PartWriter | undefined {
    return this.#byBucket.get(bucket);
  }

  /** Any of them may be forgotten meanwhile. */
  all(): Iterable<PartWriter> {
    return this.#byBucket.values();
  }

  /** Undefined if the slot's bucket has none. */
  ofSlot(slot: number): PartWriter | undefined {
    return this.#bySlot.get(slot) ?? this.#ofBucket(slot);
  }

  /** The file of another slot of the same bucket, if there is one. */
  #ofBucket(slot: number): PartWriter | undefined {
    if (this.#byBucket.size === 0) return undefined;
    const writer = this.#byBucket.get(bucketOfSlot(this.#assigner, slot));
    if (writer === undefined) return undefined;
    const slots = this.#slots.get(writer);
    slots?.push(slot);
    this.#bySlot.set(slot, writer);
    const oldest = slots !== undefined && slots.length > SLOTS_PER_FILE_MAX ? slots.shift() : undefined;
    if (oldest !== undefined) this.#forgetSlot(oldest);
    return writer;
  }

  #forgetSlot(slot: number): void {
    this.#bySlot.delete(slot);
    const route = this.#slotRoutes?.routeOf(slot) ?? null;
    if (route !== null) this.#routes.remove(route);
  }

  /** From now on, the file takes the records of its bucket. */
  add(writer: PartWriter): void {
    writer.isFullAt(this.#rolling.full);
    this.#byBucket.set(writer.bucket, writer);
    this.#slots.set(writer, []);
  }

  /** From now on, lines of the slot's records may be copied in bulk. */
  lead(slot: number, writer: PartWriter): void {
    const route = this.#slotRoutes?.routeOf(slot) ?? null;
    if (route !== null) this.#routes.set(route, writer.fill);
  }

  /** It takes no more records. Call it before the file is closed: no route may lead to it then. */
  forget(writer: PartWriter): void {
    if (this.#byBucket.get(writer.bucket) === writer) this.#byBucket.delete(writer.bucket);
    for (const slot of this.#slots.get(writer) ?? []) this.#forgetSlot(slot);
    this.#slots.delete(writer);
  }
}
