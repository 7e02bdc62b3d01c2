/** The key `http`: where a service tells of itself, and who may ask it for something. */
import { z } from 'zod';
import { secret, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map } from '../../../kernels/schema/parts.ts';
import { expecting, matchingText } from '../../../kernels/schema/values.ts';
import type { HttpConfig } from '../../config/jobConfig.ts';

const HOST_DEFAULT = '127.0.0.1';
const PORT = 'a port from 0 to 65535; 0 is any free one';

export function httpSchema(context: SchemaContext) {
  const keys = map({
    host: matchingText('an address or a name of this machine, like 127.0.0.1 or 0.0.0.0', /^[\w.:%-]+$/)
      .default(HOST_DEFAULT)
      .meta({ description: 'Address that it listens on; 0.0.0.0 or :: for all.' }),
    port: z
      .int({ error: expecting(PORT) })
      .min(0, { error: expecting(PORT) })
      .max(65_535, { error: expecting(PORT) })
      .optional()
      .meta({
        description:
          'Port, which must be free; 0 for any free one. Without it 8787, or the next one that is free.',
      }),
    token: secret(context)
      .optional()
      .meta({
        description:
          'Token that whoever asks for something must present, as it is or as { env: VARIABLE }; ' +
          'without it nobody can.',
      }),
  });
  return z
    .union([z.boolean(), keys], { error: expecting('true, false, or a map with host, port, token') })
    .default(true)
    .meta({
      description:
        'The HTTP interface of a service: probes, metrics, status, requests of operators. ' +
        'With --until-end there is none.',
    });
}

export function toHttpConfig(parsed: z.output<ReturnType<typeof httpSchema>>): HttpConfig | null {
  if (parsed === false) return null;
  if (parsed === true) return { host: HOST_DEFAULT, port: null, token: null };
  return { host: parsed.host, port: parsed.port ?? null, token: parsed.token ?? null };
}
