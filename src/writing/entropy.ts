import type { Entropy } from '../../actors/naming.ts';
import type { Random } from '../system/clock.ts';

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Bytes from here on would make the first characters likelier than the last ones. */
const BYTE_LIMIT = 256 - (256 % ALPHANUMERIC.length);

/**
 * As many random letters and digits as the entropy specifies, all equally likely; none if there is no
 * entropy.
 */
export function drawEntropy(random: Random, entropy: Entropy | null): string {
  const length = entropy?.length ?? 0;
  let text = '';
  while (text.length < length) {
    for (const byte of Buffer.from(random.hexId(), 'hex'))
      if (byte < BYTE_LIMIT && text.length < length) text += ALPHANUMERIC.charAt(byte % ALPHANUMERIC.length);
  }
  return text;
}
