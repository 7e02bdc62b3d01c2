/** The parts of the Helm chart that repeat what is elsewhere: the schema of its values. */
import { jobJsonSchema } from '../src/app/jobFile/keys.ts';

/** `job` is the job file: Helm refuses what the command would refuse. The other values are the chart's. */
export function helmValuesSchema(): object {
  const { $schema, ...job } = jobJsonSchema() as { readonly $schema?: string } & Record<string, unknown>;
  const enabled = { type: 'object', properties: { enabled: { type: 'boolean' } } };
  return {
    $schema,
    type: 'object',
    required: ['job'],
    properties: {
      job,
      replicas: { type: 'integer', minimum: 0, description: 'Coordinators; more than one needs NATS.' },
      terminationGracePeriodSeconds: { type: 'integer', minimum: 1 },
      podDisruptionBudget: enabled,
      podMonitor: enabled,
      prometheusRule: enabled,
      dashboard: enabled,
    },
  };
}
