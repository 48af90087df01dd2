import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isMonth, monthOf, plusMonths, toInstant } from '../../domain/shared/time.ts';
import { ApiError } from './api-client.ts';
import { connectClient, ensureOrganization, findOrganization } from './context.ts';
import { describeCosts, type CostFlags } from './costs.ts';
import { importBill, readPlace, requirePlace, type ImportFlags } from './import.ts';
import { describeImports } from './imports.ts';
import { addPowerCommands } from './power-commands.ts';

interface CommonFlags {
  organization?: string;
  dataDir: string;
}

const lastMonth = plusMonths(monthOf(toInstant(Date.now())), -1);

function readMonth(value: string): string {
  if (isMonth(value)) return value;
  throw new InvalidArgumentError('Write a month as YYYY-MM, for example 2026-10.');
}

function gather<T>(read: (value: string) => T) {
  return (value: string, before: T[] | undefined): T[] => [...(before ?? []), ...value.split(',').map((part) => read(part.trim()))];
}

function readInitialMonths(value: string): number {
  const months = Number(value);
  if (Number.isInteger(months) && months >= 1 && months <= 36) return months;
  throw new InvalidArgumentError('Give a number of months from 1 to 36.');
}

/** A subcommand with the flags that all of them take. */
function subcommand(program: Command, usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('-o, --organization <name-or-id>', 'the organization; by default your only one, to look at also the demonstration')
    .option('--data-dir <directory>', 'where npm start keeps its data, for its token and address', join(import.meta.dirname, '..', '..', '.orrery'));
}

const program = new Command('orrery').description('Orrery over its REST API. ORRERY_URL and ORRERY_TOKEN say where and who; after npm start neither is needed here.').showHelpAfterError().configureHelp({ showGlobalOptions: true });

subcommand(program, 'import <place>', 'Import an AWS bill from a directory or s3://bucket/prefix, connecting it first if needed')
  .option('--name <name>', 'of the data source, when it is made')
  .option('--report <name>', 'report or export name below the prefix')
  .addOption(new Option('--dialect <dialect>', 'told from the files by default').choices(['cur', 'cur2']))
  .option('--region <region>', 'of the bucket; S3 is asked by default')
  .option('--role-arn <arn>', 'the role to assume for reading the bucket')
  .option('--external-id <id>', 'of the role')
  .option('--key-pair', 'send AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where it is set; by default the platform uses its own credentials')
  .option('--initial-months <count>', 'how many of the newest months the first import reads', readInitialMonths)
  .option('--month <months>', 'months to read again even if unchanged, repeatable', gather(readMonth))
  .action(async (place: string, flags: CommonFlags & ImportFlags) => {
    const client = connectClient(flags.dataDir, process.env);
    const bill = readPlace(place);
    requirePlace(client, bill);
    const organization = await ensureOrganization(client, flags.organization);
    console.log(await importBill(client, organization.id, bill, flags, process.env));
  });

subcommand(program, 'costs', 'What a month cost')
  .option('--by <dimensions>', 'at most two of day, week, month, service, account, region, resource, resource_type, charge_category, data_source, tag:KEY', gather(String), undefined)
  .option('--month <month>', 'by default last month', readMonth, lastMonth)
  .addOption(new Option('--metric <metric>', 'billed as invoiced, effective with prepayments spread, contracted before commitment discounts, list at public prices').choices(['billed', 'effective', 'contracted', 'list']).default('billed'))
  .addOption(new Option('--basis <basis>', 'what places a cost in the month').choices(['billing_period', 'usage_date']).default('billing_period'))
  .action(async (flags: CommonFlags & Omit<CostFlags, 'by'> & { by?: string[] }) => {
    const client = connectClient(flags.dataDir, process.env);
    const organization = await findOrganization(client, flags.organization);
    console.log(`${organization.name}, ${await describeCosts(client, organization.id, { ...flags, by: flags.by ?? ['service'] })}`);
  });

subcommand(program, 'imports', 'The imports, newest first').action(async (flags: CommonFlags) => {
  const client = connectClient(flags.dataDir, process.env);
  const organization = await findOrganization(client, flags.organization);
  console.log(`${organization.name}\n\n${describeImports(await client.listImports(organization.id), await client.listDataSources(organization.id))}`);
});

addPowerCommands(program, subcommand);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
