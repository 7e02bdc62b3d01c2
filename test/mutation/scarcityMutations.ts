/** What is wrong about what a process borrows: open files, buffers, memory. */
import { patch, type Mutation } from './mutation.ts';

const CALLS = 'src/writing/fileCalls.ts';

export const SCARCITY_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the open-files limit is not kept',
    store: 'file',
    seed: 11,
    foundAt: 175,
    patches: [patch('src/writing/fileRoom.ts', `      await this.#makeRoom();\n`, ``)],
  },
  {
    name: 'a buffer is given back before it is written',
    store: 'file',
    seed: 11,
    foundAt: 18,
    patches: [
      patch(
        CALLS,
        `        for (const { buffer } of pieces) buffer.giveBack();
        ended();`,
        `        ended();`,
      ),
      patch(
        CALLS,
        `    const ended = (): void => {`,
        `    for (const { buffer } of pieces) buffer.giveBack();
    const ended = (): void => {`,
      ),
    ],
  },
  {
    name: 'the buffer of a write that failed is never given back',
    store: 'file',
    seed: 11,
    foundAt: 192,
    patches: [
      patch(CALLS, `    for (const buffer of this.#failedBuffers.splice(0)) buffer.giveBack();\n`, ``),
    ],
  },
  {
    name: 'a file that is let go of counts as held ever after',
    store: 'file',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        CALLS,
        `    await this.#options.file.abandon();
    this.#letGo();`,
        `    await this.#options.file.abandon();`,
      ),
    ],
  },
  {
    name: 'a full disk is given room by what a checkpoint may count',
    store: 'file',
    seed: 11,
    foundAt: 40,
    patches: [patch('src/writing/recordRouter.ts', `.filter((writer) => !writer.isOffered)`, ``)],
  },
  {
    name: 'what was read before a batch that has to wait for memory counts no offset',
    store: 'file',
    seed: 11,
    foundAt: 8,
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `      if (read > 0) this.#nextOffset = base + BigInt(lastDelta) + 1n;\n`,
        ``,
      ),
    ],
  },
];
