/** Time and randomness as ports, so that the whole coordinator can run under one seed. */
import { randomBytes } from 'node:crypto';
import type { Pacer } from '../../journal/port.ts';

export interface Clock extends Pacer {
  /** Wall clock in milliseconds since the epoch, for names and people. Decisions about time use nowMs(). */
  wallMs(): number;
  /** Calls back once after `delayMs`, unless cancelled first. */
  timer(delayMs: number, callback: () => void): { cancel(): void };
}

export interface Random {
  /** 128 random bits as 32 lower-case hex digits. */
  hexId(): string;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  pause: (delayMs) =>
    new Promise((resolve) => {
      setTimeout(resolve, Math.max(0, delayMs));
    }),
  timer(delayMs, callback) {
    const handle = setTimeout(callback, Math.max(0, delayMs));
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};

export const systemRandom: Random = { hexId: () => randomBytes(16).toString('hex') };
