import { join } from 'node:path';

export interface ClosingFacts {
  apiUrl: string;
  /** Null when Temporal is not ours, so that its UI's address is not known. */
  temporalUiUrl: string | null;
  tokenFile: string;
  /** The organization whose costs the example asks for. */
  organizationId: string;
  /** The month that the example asks for, `YYYY-MM`. */
  month: string;
  nextMonth: string;
  /** Whether the demonstration is here, with machines to try schedules on. */
  demonstrates: boolean;
  logDirectory: string;
  /** Where mails land; null where a mail server takes them. */
  mailDirectory: string | null;
  /** Null for the standard one, which the command finds by itself. */
  dataDirectory: string | null;
  tookSeconds: number;
}

/** The one block that `npm start` ends with. */
export function closingBlock(facts: ClosingFacts): string {
  const { apiUrl, tokenFile } = facts;
  const where = facts.dataDirectory === null ? '' : ` --data-dir ${quote(facts.dataDirectory)}`;
  const orrery = (subcommand: string) => `node ${join('tools', 'orrery.mjs')} ${subcommand}${where}`;
  const expenses = `${apiUrl}/v1/organizations/${facts.organizationId}/expenses?start=${facts.month}-01&end=${facts.nextMonth}-01&group_by=service`;
  const lines = [
    '',
    `Orrery runs (${facts.tookSeconds.toFixed(1)} s). Ctrl-C stops it.`,
    '',
    `  API and its documentation  ${apiUrl}/docs`,
    ...(facts.temporalUiUrl === null ? [] : [`  Temporal Web UI            ${facts.temporalUiUrl}`]),
    `  Administrator's token      ${tokenFile}`,
    `  Logs                       ${facts.logDirectory}`,
    ...(facts.mailDirectory === null ? [] : [`  Mails, as files            ${facts.mailDirectory} (ORRERY_SMTP_URL sends them)`]),
    '',
    `What did ${facts.month} cost, by service?`,
    `  curl -s -H "Authorization: Bearer $(cat ${quote(tokenFile)})" "${expenses}"`,
    `  ${orrery(`costs --by service --month ${facts.month}`)}`,
    '',
    ...(facts.demonstrates ? schedulesAtWork(facts, orrery) : []),
    'Import your own AWS bill (a folder or bucket with Cost and Usage Report or Data Exports files):',
    `  ${orrery('import /path/to/folder')}`,
    `  ${orrery('import s3://bucket/prefix')}`,
    '',
  ];
  return lines.join('\n');
}

/** A machine that no schedule holds, so that starting it always does something. */
function schedulesAtWork({ temporalUiUrl }: ClosingFacts, orrery: (subcommand: string) => string): string[] {
  const where = temporalUiUrl === null ? '' : ', then look at power-run/… in the Temporal Web UI';
  return [`Which machines are off at night? Start one${where}:`, `  ${orrery('schedules -o Demonstration')}`, `  ${orrery('power start ci-runner-2 -o Demonstration')}`, ''];
}

/** For a POSIX shell. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
