/** Rights that this client lacks, and the access rule (ACL) that grants each. */
import { fail, someOf, type Finding } from '../../../../kernels/checks/check.ts';
import type { SaslConfig } from '../saslConfig.ts';

export type Resource = 'topic' | 'group';

/** @param principal as in an ACL: `User:name`. */
export function denied(
  principal: string,
  resource: Resource,
  names: readonly string[],
  operations: readonly string[],
): Finding {
  const options = [
    ...operations.map((operation) => `--operation ${operation}`),
    ...names.slice(0, 1).map((name) => `--${resource} '${name}'`),
  ].join(' ');
  return fail(
    `this client lacks ${operations.join(' and ')} on the ${resource} ${someOf(names)}`,
    `Grant it: kafka-acls --add --allow-principal '${principal}' ${options}` +
      `${names.length > 1 ? ', and so for the others' : ''}.`,
  );
}

/** Whom an ACL of this client names. */
export function principalOf({
  sasl,
  hasCertificate,
}: {
  readonly sasl: SaslConfig | null;
  readonly hasCertificate: boolean;
}): string {
  if (sasl?.mechanism === 'oauthbearer') return 'User:<subject (sub) of the token>';
  if (sasl !== null) return `User:${sasl.username}`;
  return hasCertificate ? 'User:<name of the certificate>' : 'User:ANONYMOUS';
}
