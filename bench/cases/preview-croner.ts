import { Cron } from 'croner';
import type { Prepare } from '../case.ts';
import { FIRES, officeHours, yearAfter } from './preview-schedules.ts';
import type { OfficeHours, PreviewInput } from './preview-schedules.ts';

/** The same of croner: a pattern for on and one for off, whose runs are merged by time. */
export const prepare: Prepare<PreviewInput> = ({ question, schedules, after }) => {
  const hours = officeHours(schedules);
  const ask = { fires: firesOf, year: secondsOnOf, sweep: nextOf }[question];
  let sum = 0;
  return Promise.resolve({
    run() {
      for (const one of hours) sum += ask(one, new Date(after));
      return Promise.resolve();
    },
    finish: () => Promise.resolve({ sum }),
  });
};

function cronsOf({ zone, on, off }: OfficeHours): [Cron, Cron] {
  return [cronOf(on, zone), cronOf(off, zone)];
}

function cronOf(time: string, timezone: string): Cron {
  return new Cron(`${Number(time.slice(3))} ${Number(time.slice(0, 2))} * * 1-5`, { timezone, paused: true });
}

function firesOf(hours: OfficeHours, after: Date): number {
  const [on, off] = cronsOf(hours);
  // On and off take turns, so each has half of them or one more.
  const runs = [...on.nextRuns(FIRES / 2 + 1, after), ...off.nextRuns(FIRES / 2 + 1, after)];
  return runs.map((run) => run.getTime()).sort((a, b) => a - b).slice(0, FIRES).reduce((sum, at) => sum + at / 1000, 0);
}

function secondsOnOf(hours: OfficeHours, after: Date): number {
  const [on, off] = cronsOf(hours);
  const until = new Date(yearAfter(after.toISOString()));
  let seconds = 0;
  for (let begin = on.nextRun(after); begin !== null && begin < until; begin = on.nextRun(begin)) {
    const end = off.nextRun(begin) ?? until;
    seconds += ((end < until ? end : until).getTime() - begin.getTime()) / 1000;
  }
  return seconds;
}

function nextOf(hours: OfficeHours, after: Date): number {
  const [on, off] = cronsOf(hours);
  return Math.min(on.nextRun(after)?.getTime() ?? Number.NaN, off.nextRun(after)?.getTime() ?? Number.NaN) / 1000;
}
