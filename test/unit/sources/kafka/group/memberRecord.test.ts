import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemberRecords, parseRecord } from '../../../../../src/sources/kafka/group/memberRecord.ts';
import {
  type ProcessIdentity,
  type ProcessTable,
  procTable,
} from '../../../../../src/system/processTable.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'tidemark-member-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const machine: ProcessIdentity = {
  bootId: 'boot-1',
  pidNamespace: 'pid:[1]',
  pid: 100,
  processStartTime: '5000',
};

/** A process with this identity on a machine where these processes live. */
function table(self: Partial<ProcessIdentity> | null, living: Record<number, string>): ProcessTable {
  return {
    self: () => (self === null ? null : { ...machine, ...self }),
    startTimeOf: (pid) => living[pid] ?? null,
  };
}

function writeAs(self: Partial<ProcessIdentity>, groupId = 'group', memberId = 'member-1'): void {
  new MemberRecords(stateDir, groupId, table(self, {})).write(memberId);
}

const deadSeenBy = (
  living: Record<number, string>,
  self: Partial<ProcessIdentity> = { pid: 200 },
  groupId = 'group',
) => new MemberRecords(stateDir, groupId, table(self, living)).dead().map(({ record }) => record.memberId);

describe('the record of a group member', () => {
  test('of a process that is gone names a dead member', () => {
    writeAs({});
    expect(deadSeenBy({})).toEqual(['member-1']);
  });

  test('of a living process is left alone', () => {
    writeAs({});
    expect(deadSeenBy({ 100: '5000' })).toEqual([]);
  });

  test('of a pid that another process has now names a dead member', () => {
    writeAs({});
    expect(deadSeenBy({ 100: '9999' })).toEqual(['member-1']);
  });

  test('of another boot, another pid namespace or another group is left alone', () => {
    writeAs({ bootId: 'boot-0' });
    writeAs({ pidNamespace: 'pid:[2]' });
    writeAs({}, 'other group');
    expect(deadSeenBy({})).toEqual([]);
    expect(deadSeenBy({}, { pid: 200 }, 'other group')).toEqual(['member-1']);
  });

  test('is replaced by the next member id and removed at an orderly stop', () => {
    const records = new MemberRecords(stateDir, 'group', table({}, {}));
    records.write('member-1');
    records.write('member-2');
    expect(deadSeenBy({})).toEqual(['member-2']);
    records.remove();
    expect(readdirSync(stateDir)).toEqual([]);
  });

  test('is forgotten once its member has left', () => {
    writeAs({});
    const records = new MemberRecords(stateDir, 'group', table({ pid: 200 }, {}));
    for (const dead of records.dead()) records.forget(dead);
    expect(deadSeenBy({})).toEqual([]);
  });

  test('that is no record is ignored: half a file, other JSON', () => {
    writeAs({});
    const [name] = readdirSync(stateDir) as [string];
    const whole = readFileSync(path.join(stateDir, name), 'utf8');
    for (const text of ['', whole.slice(0, 20), '[]', '{"groupId":"group"}', 'null']) {
      expect(parseRecord(text)).toBeNull();
      writeFileSync(path.join(stateDir, name), text);
      expect(deadSeenBy({})).toEqual([]);
    }
  });

  test('is not kept where the system cannot tell whether a process lives', () => {
    const records = new MemberRecords(stateDir, 'group', table(null, {}));
    records.write('member-1');
    expect(readdirSync(stateDir)).toEqual([]);
    expect(records.dead()).toEqual([]);
  });

  test('that cannot be read, or is gone since it was listed, hides no other', () => {
    writeAs({});
    writeAs({}, 'group', 'member-2');
    const [name] = readdirSync(stateDir) as [string];
    rmSync(path.join(stateDir, name));
    mkdirSync(path.join(stateDir, name));
    symlinkSync(path.join(stateDir, 'nowhere'), path.join(stateDir, name.replace('.json', '0.json')));
    const told: string[] = [];
    const records = new MemberRecords(stateDir, 'group', table({ pid: 200 }, {}), (message) =>
      told.push(message),
    );
    expect(records.dead()).toHaveLength(1);
    expect(records.dead()).toHaveLength(1);
    // What is gone is no news, and what cannot be read is reported once.
    expect(told).toEqual([expect.stringContaining(name)]);
  });

  test('that cannot be removed is reported, once, and its member is dead no more', () => {
    writeAs({});
    const told: string[] = [];
    const records = new MemberRecords(stateDir, 'group', table({ pid: 200 }, {}), (message) =>
      told.push(message),
    );
    const [dead] = records.dead();
    const [name] = readdirSync(stateDir) as [string];
    // Not even root removes a folder as a file.
    rmSync(path.join(stateDir, name));
    mkdirSync(path.join(stateDir, name));
    records.forget(dead!);
    records.forget(dead!);
    expect(told).toEqual([expect.stringContaining('cannot be removed')]);
    rmSync(path.join(stateDir, name), { recursive: true });
    writeFileSync(path.join(stateDir, name), JSON.stringify(dead!.record));
    expect(records.dead()).toEqual([]);
  });

  test('of its own that cannot be removed is told and ends nothing', () => {
    const told: string[] = [];
    const records = new MemberRecords(stateDir, 'group', table({}, {}), (message) => told.push(message));
    records.write('member-1');
    const [name] = readdirSync(stateDir) as [string];
    rmSync(path.join(stateDir, name));
    mkdirSync(path.join(stateDir, name));
    records.remove();
    expect(told).toEqual([expect.stringContaining('cannot be removed')]);
  });

  test('a process table that cannot be read hides no record, and none is kept', () => {
    const broken = {
      self: (): never => {
        throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      },
      startTimeOf: () => null,
    };
    const told: string[] = [];
    const records = new MemberRecords(stateDir, 'group', broken, (message) => told.push(message));
    records.write('member-1');
    expect([records.dead(), readdirSync(stateDir)]).toEqual([[], []]);
    expect(told).toEqual([expect.stringContaining('too many open files')]);
  });

  test('a folder that does not exist holds no records', () => {
    expect(new MemberRecords(path.join(stateDir, 'none'), 'group', table({}, {})).dead()).toEqual([]);
  });
});

test.runIf(process.platform === 'linux')('/proc tells this process from its successor', () => {
  const self = procTable.self();
  expect(self?.pid).toBe(process.pid);
  expect(procTable.startTimeOf(process.pid)).toBe(self?.processStartTime);
  expect(self?.processStartTime).toMatch(/^\d+$/);
  expect(procTable.startTimeOf(2 ** 22 + 1)).toBeNull();
});
