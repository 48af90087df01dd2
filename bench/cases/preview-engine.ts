import { nextFire, previewFires } from '../../domain/power-schedules/recurrence.ts';
import { simulate } from '../../domain/power-schedules/simulate.ts';
import type { Prepare } from '../case.ts';
import { FIRES, officeHours, ruleOf, yearAfter } from './preview-schedules.ts';
import type { PreviewInput } from './preview-schedules.ts';

/** The product's engine. The sum of what it answered is the output, to be compared. */
export const prepare: Prepare<PreviewInput> = ({ question, schedules, after }) => {
  const rules = officeHours(schedules).map(ruleOf);
  let sum = 0;
  const ask = {
    fires: (rule: (typeof rules)[number]) => {
      for (const fire of previewFires(rule, after, FIRES)) sum += Date.parse(fire.at) / 1000;
    },
    year: (rule: (typeof rules)[number]) => {
      sum += simulate({ proposed: rule, today: null, from: after, until: yearAfter(after), initialState: 'off', rate: null }).proposed.secondsOn;
    },
    sweep: (rule: (typeof rules)[number]) => {
      sum += Date.parse(nextFire(rule, after)?.at ?? '') / 1000;
    },
  }[question];
  return Promise.resolve({
    run() {
      for (const rule of rules) ask(rule);
      return Promise.resolve();
    },
    finish: () => Promise.resolve({ sum }),
  });
};
