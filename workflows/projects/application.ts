import { runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { APPLICATION, type ApplicationAct } from './application-messages.ts';

/** Keeps a review in step with its row: escalates it and lets it expire. Id: application/<id>. Lives until somebody decides. */
export async function application(ref: EntityRef): Promise<string> {
  return await runEntity<ApplicationAct>(APPLICATION, ref, (_ref, act) => {
    throw new Error(`an application has no act ${String(act.name)}`);
  });
}
