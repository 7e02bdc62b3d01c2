/** A coordinator's context that records what each dependency answered last, and how long calls took. */
import type { Subject } from '../../journal/ids.ts';
import type { AppendOutcome, Revision } from '../../journal/port.ts';
import type { AppendListener, Context } from '../job/context.ts';
import { watched, type OnCall } from '../presence/dependencies.ts';
import type { RunCounts } from '../telemetry/runCounts.ts';

export function watchedContext(context: Context): Context {
  const { ports, health, stats } = context;
  const { dependencies } = health;
  return {
    ...context,
    ports: {
      ...ports,
      journal: watched(ports.journal, 'journal', dependencies, onJournalCall(stats.counts, ports.onAppend)),
      source: watched(ports.source, 'source', dependencies),
      store: watched(ports.store, 'destination', dependencies, onStoreCall(stats.counts)),
    },
  };
}

function onStoreCall(counts: RunCounts): OnCall {
  return (operation) => {
    if (operation === 'session') return null;
    const startedMs = counts.nowMs();
    return ({ type }) => counts.storeCall(operation, startedMs, type === 'gave' ? 'ok' : 'error');
  };
}

function onJournalCall(counts: RunCounts, listener: AppendListener | undefined): OnCall {
  return (operation, args) => {
    if (operation !== 'append') return null;
    const startedMs = counts.nowMs();
    const [subject, after, bytes] = args as readonly [Subject, Revision, Uint8Array];
    listener?.begun(subject, after);
    return (end) => {
      counts.took(counts.appendSeconds, startedMs);
      listener?.ended({ subject, after, bytes }, end.type === 'gave' ? (end.value as AppendOutcome) : null);
    };
  };
}
