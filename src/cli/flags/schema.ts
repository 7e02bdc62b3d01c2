import type { Command } from 'commander';
import type { CliIo } from '../io.ts';

export function addSchema(command: Command, io: CliIo): void {
  command
    .command('schema')
    .description('print the JSON Schema of the job file, for editors')
    .action(async () => {
      const { jobJsonSchema } = await import('../../app/jobFile/keys.ts');
      io.stdout.write(`${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
    });
}
