/** Wraps a store so that its effects pass named failpoints. */
import { passing, type Failpoint, type Failpoints } from '../system/failpoints.ts';
import type { OpenFile, ScratchFiles, SideObjects, Store, StoreHandle, Takeover } from './port.ts';

export function withFailpoints(store: Store, failpoints: Failpoints): Store {
  return {
    kind: store.kind,
    takeover: takeoverWithFailpoints(store.takeover, failpoints),
    reading: store.reading,
    session: () => withFailpoints(store.session(), failpoints),
    create: (target) => opening(failpoints, 'store.create', () => store.create(target)),
    commit: (target, durable) => passing(failpoints, 'store.commit', () => store.commit(target, durable)),
    commitAfterRecovery: (target, durable) =>
      passing(failpoints, 'store.commitAfterRecovery', () => store.commitAfterRecovery(target, durable)),
    discard: (temporaryUris, handle) =>
      passing(failpoints, 'store.discard', () => store.discard(temporaryUris, handle)),
    scratch: scratchWithFailpoints(store.scratch, failpoints),
    ...(store.sideObjects === undefined
      ? {}
      : { sideObjects: sideObjectsWithFailpoints(store.sideObjects, failpoints) }),
    ...(store.unpublished === undefined ? {} : { unpublished: store.unpublished }),
    ...(store.salvage === undefined ? {} : { salvage: store.salvage }),
    temporaries: store.temporaries,
    get excessBytes() {
      return store.excessBytes ?? 0;
    },
    claimMarker: (sinkUri, job, id) =>
      passing(failpoints, 'store.claimMarker', () => store.claimMarker(sinkUri, job, id)),
    readMarker: (sinkUri, job) => store.readMarker(sinkUri, job),
    writeWitness: (folderUri, name) =>
      passing(failpoints, 'store.writeWitness', () => store.writeWitness(folderUri, name)),
    listWitnesses: (folderUri) =>
      passing(failpoints, 'store.listWitnesses', () => store.listWitnesses(folderUri)),
    removeWitnesses: (folderUri, names) =>
      passing(failpoints, 'store.removeWitnesses', () => store.removeWitnesses(folderUri, names)),
    close: () => store.close(),
  };
}

function takeoverWithFailpoints(takeover: Takeover, failpoints: Failpoints): Takeover {
  if (takeover.type === 'resume') {
    return {
      type: 'resume',
      resume: (target, durable, toUri) =>
        opening(failpoints, 'store.resume', () => takeover.resume(target, durable, toUri)),
    };
  }
  return {
    ...{ type: 'finish', copies: takeover.copies },
    finish: (target, durable, to) =>
      passing(failpoints, 'store.finish', () => takeover.finish(target, durable, to)),
  };
}

/** Reading has no failpoint: a call that is repeated reads the same. */
function scratchWithFailpoints(scratch: ScratchFiles, failpoints: Failpoints): ScratchFiles {
  return {
    create: (uri) => opening(failpoints, 'store.create', () => scratch.create(uri)),
    read: (uri, durable, take) => scratch.read(uri, durable, take),
  };
}

function sideObjectsWithFailpoints(sideObjects: SideObjects, failpoints: Failpoints): SideObjects {
  return {
    discardUncheckpointed: (target, checkpointed) =>
      passing(failpoints, 'store.discard', () => sideObjects.discardUncheckpointed(target, checkpointed)),
  };
}

/** Abandons a file that was opened if its caller never receives it. */
async function opening(
  failpoints: Failpoints,
  point: Failpoint,
  open: () => Promise<OpenFile>,
): Promise<OpenFile> {
  const opened: OpenFile[] = [];
  try {
    return await passing(failpoints, point, async () => {
      const file = await open();
      opened.push(file);
      return new FailpointFile(file, failpoints);
    });
  } catch (error) {
    for (const file of opened) await file.abandon();
    throw error;
  }
}

/** A class: there may be thousands of open files, and each closure of an object would be one of its own. */
class FailpointFile implements OpenFile {
  readonly #file: OpenFile;
  readonly #failpoints: Failpoints;

  constructor(file: OpenFile, failpoints: Failpoints) {
    this.#file = file;
    this.#failpoints = failpoints;
  }

  get startHandle(): StoreHandle | undefined {
    return this.#file.startHandle;
  }

  get heldBytes(): number {
    return this.#file.heldBytes ?? 0;
  }

  get isFull(): boolean {
    return this.#file.isFull ?? false;
  }

  checkpointed(handle: StoreHandle): void {
    this.#file.checkpointed?.(handle);
  }

  write(bytes: Uint8Array): Promise<void> {
    return passing(this.#failpoints, 'store.write', () => this.#file.write(bytes));
  }

  persist(): Promise<StoreHandle> {
    return passing(this.#failpoints, 'store.persist', () => this.#file.persist());
  }

  closeForCommit(): Promise<StoreHandle> {
    return passing(this.#failpoints, 'store.closeForCommit', () => this.#file.closeForCommit());
  }

  abandon(): Promise<void> {
    return this.#file.abandon();
  }
}
