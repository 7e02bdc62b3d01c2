import { expect, test } from 'vitest';
import { createLossyOutput } from '../../../src/telemetry/lossyOutput.ts';

const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

function disk({ isTTY }: { isTTY: boolean }) {
  const written: string[] = [];
  const state = { isFull: false };
  const output = createLossyOutput(
    {
      isTTY,
      write(text, done) {
        if (!state.isFull) written.push(text);
        done(state.isFull ? full : null);
      },
    },
    () => '2026-02-03T04:05:06.000Z',
  );
  return { written, state, output };
}

test('what cannot be written is lost; afterwards it is counted, once, before what comes next', () => {
  const { written, state, output } = disk({ isTTY: false });
  output.write('a\n');
  state.isFull = true;
  output.write('b\n');
  output.write('c\nd\n');
  state.isFull = false;
  output.write('e\n');
  output.write('f\n');
  expect(written.slice(0, 1)).toEqual(['a\n']);
  const [torn, notice = '', ...rest] = (written[1] ?? '').split('\n');
  expect(torn).toBe('');
  expect(JSON.parse(notice)).toEqual({
    level: 'warn',
    time: '2026-02-03T04:05:06.000Z',
    lostLines: 3,
    msg: '3 lines could not be written here (ENOSPC): lost',
  });
  expect(rest).toEqual(['e', '']);
  expect(written.slice(2)).toEqual(['f\n']);
});

test('a terminal is told in words', () => {
  const { written, state, output } = disk({ isTTY: true });
  state.isFull = true;
  output.write('a\n');
  state.isFull = false;
  output.write('b\n');
  expect(written).toEqual(['1 line could not be written here (ENOSPC): lost\nb\n']);
});
