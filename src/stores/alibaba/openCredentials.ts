/** Keys for a destination, from what its configuration says. */
import { credentialsText, isProvider, type CredentialsConfig } from './credentialKeys.ts';
import { keysThatStay, RefreshedCredentials, type CredentialSource } from './credentialSource.ts';
import { askerOf } from './providers.ts';
import type { CredentialSourceOptions } from './credentialSource.ts';

/** Asks nobody before the first keys are asked for. */
export function openCredentials(
  config: CredentialsConfig,
  options: Omit<CredentialSourceOptions, 'about' | 'ask'>,
): CredentialSource {
  if (!isProvider(config)) return keysThatStay(config);
  return new RefreshedCredentials({ ...options, about: credentialsText(config), ask: askerOf(config) });
}
