import { InvalidArgumentError, type Command } from 'commander';
import { connectClient, findOrganization } from './context.ts';
import { changePower, type PowerFlags, type PowerVerb } from './power.ts';
import { describeItems, describeRuns } from './runs.ts';
import { describePreview, describeSchedules } from './schedules.ts';
import { describeSimulation, type SimulateFlags } from './simulate.ts';

interface CommonFlags {
  organization?: string;
  dataDir: string;
}

const RUNS_SHOWN = 50;
const VERBS: readonly [PowerVerb, string][] = [
  ['start', 'Start an instance and keep it on'],
  ['stop', 'Stop an instance and keep it off'],
  ['hold', 'Keep an instance as it is'],
  ['release', 'End the hold on an instance: its schedule applies again'],
];

/** Adds `schedules`, `simulate`, `power` and `runs`; `subcommand` makes one with the flags that all take. */
export function addPowerCommands(program: Command, subcommand: (program: Command, usage: string, description: string) => Command): void {
  const schedules = subcommand(program, 'schedules', 'Power schedules: when instances are on and off').action(async (flags: CommonFlags) => {
    const { client, organization } = await organizationOf(flags);
    console.log(`${organization.name}\n\n${describeSchedules(await client.listSchedules(organization.id))}`);
  });
  schedules
    .command('preview <schedule>')
    .description('What a schedule, by its id or name, does next')
    .option('--count <count>', 'how many times', readCount, 20)
    .action(async (schedule: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<CommonFlags & { count: number }>();
      const { client, organization } = await organizationOf(flags);
      console.log(await describePreview(client, organization.id, schedule, flags.count));
    });

  subcommand(program, 'simulate <schedule>', 'What a schedule, by its id or name, comes to: hours, starts and stops, cost, saving')
    .option('--from <instant>', 'like 2026-12-01T00:00:00Z; by default now')
    .option('--until <instant>', 'at most 366 days later; by default 30')
    .option('--changes <file>', 'JSON of what would change: set beside the schedule as it is')
    .option('--json', 'the API’s whole answer')
    .action(async (schedule: string, flags: CommonFlags & SimulateFlags) => {
      const { client, organization } = await organizationOf(flags);
      console.log(await describeSimulation(client, organization.id, schedule, flags));
    });

  const power = subcommand(program, 'power', 'Start, stop or hold an instance, whatever its schedule says');
  for (const [verb, description] of VERBS) {
    const command = power.command(`${verb} <instance>`).description(`${description}; by its id, name or the cloud’s own id`);
    if (verb !== 'release') {
      command.option('--until <instant>', 'how long, like 2026-11-21T18:00:00Z; by default until the next trigger of its schedule').option('--reason <text>', 'shown beside the hold');
    }
    command.option('--no-wait', 'do not wait until it is there').action(async (instance: string, _flags: unknown, self: Command) => {
      const flags = self.optsWithGlobals<CommonFlags & PowerFlags>();
      const { client, organization } = await organizationOf(flags);
      console.log(await changePower(client, organization.id, verb, instance, flags));
    });
  }

  subcommand(program, 'runs [run]', 'The newest power runs, or what became of each instance of one').action(async (id: string | undefined, flags: CommonFlags) => {
    const { client, organization } = await organizationOf(flags);
    if (id === undefined) console.log(`${organization.name}\n\n${describeRuns(await client.listRuns(organization.id, RUNS_SHOWN))}`);
    else console.log(describeItems(await client.getRun(id), await client.listRunItems(id)));
  });
}

async function organizationOf({ dataDir, organization }: CommonFlags) {
  const client = connectClient(dataDir, process.env);
  return { client, organization: await findOrganization(client, organization) };
}

function readCount(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Give a number from 1 to 1000.');
}
