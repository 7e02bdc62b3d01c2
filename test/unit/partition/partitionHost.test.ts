import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../actors/facts.ts';
import { PartitionHost } from '../../../src/partition/partitionHost.ts';
import { PartitionLedger } from '../../../actors/ledger.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { PartitionEvent } from '../../../journal/events.ts';
import { change, checkpointed, claimed, part, partOpened, rolled } from '../../model/samples.ts';
import { HeldAppender, settled } from './heldAppender.ts';

interface Fixture {
  readonly host: PartitionHost;
  readonly journal: HeldAppender;
  readonly effects: Effect[][];
  /** What became of each input, in the order of their ends. */
  readonly ends: string[];
  /** Submits under a name. */
  readonly submit: (name: string, events: readonly PartitionEvent[], look?: () => void) => void;
}

/** A claimed and settled partition. */
function running(options: ConstructorParameters<typeof HeldAppender>[0] = {}): Fixture {
  const ledger = new PartitionLedger();
  const own = claimed(1);
  ledger.note({ type: 'replayed', ownClaimId: own.claimId });
  ledger.fold([own]);
  ledger.note({ type: 'settled' });
  const journal = new HeldAppender(options);
  const effects: Effect[][] = [];
  const host = new PartitionHost(ledger, journal);
  host.handleEffects((some) => effects.push([...some]));
  const ends: string[] = [];
  const submit: Fixture['submit'] = (name, events, look) => {
    const decide = (): readonly PartitionEvent[] => {
      look?.();
      return events;
    };
    host.submit(decide).then(
      () => ends.push(name),
      (error: unknown) =>
        ends.push(`${name}: ${error instanceof TidemarkError ? error.code : String(error)}`),
    );
  };
  return { host, journal, effects, ends, submit };
}

const fenced = new TidemarkError('FENCED', 'Another coordinator owns clicks/0.');
const names = (events: readonly PartitionEvent[] | undefined): string[] =>
  (events ?? []).map((event) =>
    'partId' in event ? `${event.type} ${Number.parseInt(event.partId, 16)}` : event.type,
  );

describe('one append is in flight', () => {
  it('inputs that arrive meanwhile wait undecided; then one entry has them, in order', async () => {
    const { journal, ends, submit } = running();
    const decided: string[] = [];
    for (const n of [1, 2, 3]) submit(`open ${n}`, [partOpened(n)], () => decided.push(`open ${n}`));
    await settled();
    expect(decided).toEqual(['open 1']);
    expect(journal.entries.map(names)).toEqual([['partOpened 1']]);
    journal.acknowledge();
    await settled();
    expect(decided).toEqual(['open 1', 'open 2', 'open 3']);
    expect(journal.entries.map(names)).toEqual([['partOpened 1'], ['partOpened 2', 'partOpened 3']]);
    expect(ends).toEqual(['open 1']);
    journal.acknowledge();
    await settled();
    expect(ends).toEqual(['open 1', 'open 2', 'open 3']);
    expect(journal.inFlightMax).toBe(1);
  });

  it('inputs are decided on the adopted state, with what earlier ones of the entry decided', async () => {
    const { host, journal } = running();
    const seen: (number | bigint | null)[] = [];
    const checkpoint = host.submit((stage) => {
      stage.note({ type: 'checkpointStarted' });
      return [checkpointed(1, 50n)];
    });
    await settled();
    const later = [0, 1].map((index) =>
      host.submit((stage) => {
        seen.push(stage.facts.nextOffset, stage.facts.lastRequestId);
        return [{ type: 'rollRequested', requestId: 7 + index }];
      }),
    );
    journal.acknowledge();
    await checkpoint;
    await settled();
    journal.acknowledge();
    await Promise.all(later);
    expect(seen).toEqual([50n, 0, 50n, 7]);
  });

  it('an input submitted while the last one ends is not forgotten', async () => {
    const { host, journal } = running();
    const chained = host.submit(() => [partOpened(1)]).then(() => host.submit(() => [partOpened(2)]));
    await settled();
    journal.acknowledge();
    await settled();
    journal.acknowledge();
    await chained;
    expect([...host.ledger.parts()]).toHaveLength(2);
  });
});

describe('nothing takes effect before the acknowledgement', () => {
  const roll = checkpointed(1, 50n, [change(1, 100, rolled)]);
  const opened = (fixture: Fixture): void => {
    fixture.host.ledger.fold([partOpened(1)]);
    fixture.host.ledger.note({ type: 'checkpointStarted' });
  };

  it('the state is adopted and the effects are handed out after it, before the input ends', async () => {
    const fixture = running();
    opened(fixture);
    const { host, journal, effects, ends } = fixture;
    fixture.submit('roll', [roll]);
    await settled();
    expect([host.ledger.part(part(1))?.status, host.ledger.status, effects, ends]).toEqual([
      'open',
      'checkpointing',
      [],
      [],
    ]);
    journal.acknowledge();
    await settled();
    expect([host.ledger.part(part(1))?.status, host.ledger.status, effects, ends]).toEqual([
      'pending',
      'running',
      [[{ type: 'publishPart', partId: part(1) }]],
      ['roll'],
    ]);
  });

  it('after a failed append there is neither', async () => {
    const fixture = running();
    opened(fixture);
    fixture.submit('roll', [roll]);
    await settled();
    fixture.journal.fail(fenced);
    await settled();
    expect([fixture.host.ledger.part(part(1))?.status, fixture.effects, fixture.ends]).toEqual([
      'open',
      [],
      ['roll: FENCED'],
    ]);
  });

  it('what journals nothing is adopted at once, in its turn', async () => {
    const { host, journal } = running();
    const open = host.submit(() => [partOpened(1)]);
    const note = host.submit((stage) => {
      stage.note({ type: 'checkpointStarted' });
      return [];
    });
    await settled();
    expect(host.ledger.status).toBe('running');
    journal.acknowledge();
    await Promise.all([open, note]);
    expect(host.ledger.status).toBe('checkpointing');
    expect(journal.entries).toHaveLength(1);
  });
});

describe('a failure ends the lane', () => {
  it('every input of the failed entry, waiting or later is rejected; nothing more is appended', async () => {
    const { journal, ends, submit } = running();
    submit('first', [partOpened(1)]);
    await settled();
    submit('second', [partOpened(2)]);
    submit('third', [partOpened(3)]);
    journal.acknowledge();
    await settled();
    submit('waiting', [partOpened(4)]);
    journal.fail(fenced);
    await settled();
    submit('later', [partOpened(5)]);
    await settled();
    expect(ends).toEqual(['first', 'second: FENCED', 'third: FENCED', 'waiting: FENCED', 'later: FENCED']);
    expect(journal.entries).toHaveLength(2);
  });

  it('a decision that throws rejects its entry, writes none of it, and ends the lane', async () => {
    const { host, journal, ends, submit } = running();
    submit('first', [partOpened(1)]);
    await settled();
    submit('fine', [partOpened(2)]);
    submit('broken', [], () => {
      throw new RangeError('no such file');
    });
    journal.acknowledge();
    await settled();
    submit('later', [partOpened(3)]);
    await settled();
    expect(ends).toEqual(['first', 'fine: INTERNAL', 'broken: INTERNAL', 'later: INTERNAL']);
    expect(journal.entries).toHaveLength(1);
    expect([...host.ledger.parts()]).toHaveLength(1);
  });

  it('an event that the state does not know is never written', async () => {
    const { host, journal, ends, submit } = running();
    submit('odd', [{ type: 'partCommitted', partId: part(9) }]);
    await settled();
    expect(ends).toEqual(['odd: PROTOCOL_UNEXPECTED_EVENT']);
    expect(journal.entries).toEqual([]);
    expect(host.ledger.status).toBe('running');
  });

  it('a failure that is not ours is named INTERNAL and keeps its cause', async () => {
    const { host, journal } = running();
    const ended = host.submit(() => [partOpened(1)]).catch((error: unknown) => error);
    await settled();
    const cause = new Error('socket hang up');
    journal.fail(cause);
    expect(await ended).toMatchObject({ code: 'INTERNAL', cause });
  });
});

describe('entries are split by size', () => {
  const bytesOf = (event: PartitionEvent): number =>
    event.type === 'partOpened' ? Number(event.firstOffset) : 0;

  it('an entry is full at half of what the journal takes; the rest goes into the next', async () => {
    const { journal, submit } = running({ entryBytesMax: 100, bytesOf });
    submit('first', [partOpened(1)]);
    await settled();
    for (const bytes of [20, 21, 22, 23, 60, 5]) submit(`${bytes}`, [partOpened(bytes)]);
    for (let entry = 1; entry <= 4; entry += 1) {
      journal.acknowledge();
      await settled();
    }
    expect(journal.entries.map((events) => events.map(bytesOf))).toEqual([[1], [20, 21, 22], [23, 60], [5]]);
  });
  it('a single input is never split, however large it is', async () => {
    const { journal, submit } = running({ entryBytesMax: 100, bytesOf });
    submit('large', [partOpened(90), partOpened(91), partOpened(92)]);
    submit('next', [partOpened(1)]);
    await settled();
    expect(journal.entries.map((events) => events.map(bytesOf))).toEqual([[90, 91, 92]]);
  });
  it('an input that journals nothing costs nothing', async () => {
    const { journal, submit } = running({ entryBytesMax: 2, bytesOf: () => 1 });
    submit('first', [partOpened(1)]);
    await settled();
    for (const n of [1, 2, 3]) submit(`nothing ${n}`, []);
    submit('second', [partOpened(2)]);
    journal.acknowledge();
    await settled();
    expect(journal.entries.map(names)).toEqual([['partOpened 1'], ['partOpened 2']]);
  });
});
