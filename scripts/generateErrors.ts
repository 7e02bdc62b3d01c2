/** docs/errors.md: every error code and what to do about it. */
import { ERROR_CODES, FORMER_CODES, type RetryClass } from '../journal/errors.ts';
import { ALERTS } from './alerts.ts';

const CLASSES: Readonly<Record<RetryClass, string>> = {
  transient: 'Tidemark tries again by itself.',
  fenced: 'another coordinator owns the partition; this one claims it again if it is still assigned.',
  operator: 'a person has to decide. The partition stops until then, the others go on; the exit code is 1.',
  config:
    'nothing can be done before the job file, the command line or what they name is changed; ' +
    'the command ends.',
  bug: 'the partition stops in a state that the protocol does not know. Please report it.',
};

const PREAMBLE =
  '# Errors\n\n' +
  'Every error that Tidemark raises on purpose has a stable code, in logs, in `status` and in `--json`. ' +
  'A code belongs to a class,\n' +
  'which says what happens next. This page is made from `journal/errors.ts` by `npm run generate`; ' +
  'a test fails when it is stale.\n';

const ABOUT_ALERTS =
  '## Alerts\n\nThe rules of [examples/alerts.yml](../examples/alerts.yml), and what to do when one fires. ' +
  'One about a stopped\npartition leads to its code above.\n';

const FORMER =
  '## Former codes\n\nJournals of earlier versions may hold these in stops. They are read as the ' +
  'codes of today.\n';

function formerTable(): string[] {
  const rows = Object.entries(FORMER_CODES).map(([former, code]) => `| \`${former}\` | \`${code}\` |`);
  return ['| former | today |', '|---|---|', ...rows];
}

export function errorsPage(): string {
  const classes = Object.entries(CLASSES).map(([name, text]) => `- **${name}**: ${text}`);
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { retry, help }]) => `| ${anchor(code)}\`${code}\` | ${retry} | ${cell(help)} |`,
  );
  const table = ['| code | class | what to do |', '|---|---|---|', ...rows];
  const alerts = ALERTS.flatMap(({ name, means, whatToDo }) => [`### ${name}`, '', means, whatToDo, '']);
  return [PREAMBLE, ...classes, '', ...table, '', FORMER, ...formerTable(), '', ABOUT_ALERTS, ...alerts].join(
    '\n',
  );
}

/** What a `runbook_url` leads to. */
function anchor(code: string): string {
  return `<a id="${code.toLowerCase()}"></a>`;
}

/** A pipe would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
