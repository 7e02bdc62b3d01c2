/** What faults do to the destination for a time: readers, backups, a disk that fills. */
import { startBackups } from './backups.ts';
import type { WorldHands } from './faults/kind.ts';
import { startRepairing } from './answers.ts';
import { startReader } from './reader.ts';
import type { Schedule } from './schedule.ts';
import type { Recorder } from './recorder.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimJournalServer } from './simJournalServer.ts';
import type { SimStoreServer } from './simStores/port.ts';

/** Until sessions have expired, the damage is found, and a repair has begun. */
const REPAIRED_MS = 12_000;

export interface DestinationContext {
  readonly scheduler: Scheduler;
  readonly store: SimStoreServer;
  readonly journal: Pick<SimJournalServer, 'hasRoom'>;
  readonly recorder: Recorder;
  readonly hands: () => Pick<WorldHands, 'harmed' | 'lasts' | 'request'>;
  readonly schedule: Schedule;
}

export function destinationHands(
  context: DestinationContext,
): Pick<WorldHands, 'read' | 'backUp' | 'fill' | 'repair'> {
  const { scheduler, store, journal, recorder, hands } = context;
  let fullUntilMs = 0;
  let isRepairing = false;
  return {
    repair: () => {
      hands().lasts(scheduler.nowMs + REPAIRED_MS);
      if (isRepairing) return;
      isRepairing = true;
      const isHasty = context.schedule.faults.some(({ type }) => type === 'hastyReader');
      const request: WorldHands['request'] = (...asked) => hands().request(...asked);
      startRepairing({ scheduler, recorder, request }, !isHasty);
    },
    read: (everyMs, forMs, isHasty) => {
      const tookTooSoon = (partition: number): void => {
        hands().harmed({ type: 'hastyReader', partition, codes: ['STORE_FILE_MISSING'] });
      };
      const untilMs = scheduler.nowMs + forMs;
      const version = (): number => recorder.version;
      startReader(
        { scheduler, store, journal: recorder.journal, version, tookTooSoon },
        { untilMs, everyMs, isHasty },
      );
    },
    backUp: (everyMs, forMs) => {
      startBackups(scheduler, store, { untilMs: scheduler.nowMs + forMs, everyMs });
      hands().lasts(scheduler.nowMs + forMs + 1);
    },
    // The last limit applies: an earlier one has given too little room.
    fill: (freeBytes, forMs, withJournal) => {
      store.fill?.(freeBytes);
      journal.hasRoom = () => !withJournal || (store.freeBytes?.() ?? Infinity) > 0;
      const untilMs = scheduler.nowMs + forMs;
      fullUntilMs = untilMs;
      hands().lasts(untilMs);
      scheduler.after(forMs, null, () => {
        if (fullUntilMs === untilMs) store.fill?.(Infinity);
      });
    },
  };
}
