import { describe, expect, test } from 'vitest';
import { gravest, fail, notDone, pass, someOf, warn } from '../../../../kernels/checks/check.ts';
import { fileSystemKind, roomFinding } from '../../../../kernels/checks/disk.ts';
import { bytesText, durationText } from '../../../../kernels/checks/sizes.ts';

const GIB = 1024 ** 3;
const room = (freeBytes: number, ffree = 1e6, files = 2e6) =>
  roomFinding({ type: 0xef53, bsize: 4_096, bavail: freeBytes / 4_096, files, ffree }, 'here').outcome;

describe('room on a disk', () => {
  test('passes, warns or fails by bytes and by inodes', () => {
    expect([room(2 * GIB), room(GIB / 2), room(GIB / 16)]).toEqual(['pass', 'warn', 'fail']);
    expect([room(2 * GIB, 9_999), room(2 * GIB, 99)]).toEqual(['warn', 'fail']);
  });

  test('does not count inodes where there is no fixed number of them', () => {
    expect(room(2 * GIB, 0, 0)).toBe('pass');
  });
});

test('file systems are told by their magic number, also where it is negative', () => {
  expect(fileSystemKind({ type: 0xef53 })).toEqual({ name: 'ext4', nature: 'disk' });
  expect(fileSystemKind({ type: 0x6969 })).toEqual({ name: 'NFS', nature: 'network' });
  expect(fileSystemKind({ type: -11_317_950 }).nature).toBe('network');
  expect(fileSystemKind({ type: 0x123 })).toEqual({ name: 'type 0x123', nature: 'unknown' });
});

describe('several findings', () => {
  test('are as grave as the gravest, and tell all that are no pass', () => {
    expect(gravest([pass('a'), warn('b', 'B.'), fail('c', 'C.'), notDone('d', 'B.')])).toEqual({
      outcome: 'fail',
      found: 'c; d; b',
      howToMend: 'C. B.',
    });
    expect(gravest([pass('a'), pass('b')])).toEqual(pass('a; b'));
  });

  test('name the first of many', () => {
    expect(someOf(['a', 'b'])).toBe('a, b');
    expect(someOf(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more');
  });
});

test('numbers have units', () => {
  expect([10_240, 5 * 1024 ** 2, 1.5 * GIB].map(bytesText)).toEqual(['10 KiB', '5 MiB', '1.5 GiB']);
  expect([1.44, 250, 90_000, 600_000, 86_400_000, 7 * 86_400_000].map(durationText)).toEqual([
    ...['1.4 ms', '250 ms', '90 s', '10 min', '24 h', '7 days'],
  ]);
});
