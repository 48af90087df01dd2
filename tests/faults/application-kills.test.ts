import { fork } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { applySite } from '../helpers/applications.ts';
import type { ApprovalOrder } from '../helpers/approval-child.ts';
import { freshDatabase } from '../helpers/database.ts';

const at = '2026-12-01T08:00:00.000Z';
const later = '2026-12-02T08:00:00.000Z';

/** Runs a process that is killed by SIGKILL at the ordered point; fails if it ends in any other way. */
async function killed(order: ApprovalOrder): Promise<void> {
  const child = fork(join(import.meta.dirname, '..', 'helpers', 'approval-child.ts'), [JSON.stringify(order)]);
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, by) => resolve(by)));
  if (signal !== 'SIGKILL') throw new Error(`the process ended without reaching "${order.at}"`);
}

for (const point of ['before commit', 'after commit'] as const) {
  test(`an approval whose process is killed ${point} is ${point === 'before commit' ? 'none at all, and is made anew' : 'whole'}`, async (t) => {
    const { db, url, drop } = await freshDatabase();
    t.teardown(drop);
    const { organizationId, boss, other, ada, capacity, project, gpus, approve, read, readProject, mailsTo } = await applySite(db, at);
    await capacity('2', at);
    const { id, projectId } = await project(ada, at);
    await approve(boss, at, id);
    const wanted = await gpus(ada, at, projectId, '1');
    const before = (await mailsTo(ada)).length;
    await killed({ at: point, databaseUrl: url, ref: { organizationId, id: wanted.id }, reviewer: boss, now: later });
    const held = async () => (await db('project_quotas').where({ project_id: projectId }).first('gpu'))?.gpu;
    const whole = point === 'after commit';
    t.like(await read(wanted.id), whole ? { state: 'approved', remark: 'killed' } : { state: 'reviewing', remark: null });
    t.is((await readProject(projectId)).quota.gpu, whole ? '2' : '1');
    t.is(await held(), whole ? '2.000000' : '1.000000');
    t.is((await mailsTo(ada)).length, before + (whole ? 1 : 0));
    const again = approve(other, later, wanted.id);
    if (whole) t.like(await t.throwsAsync(again), { code: 'applications.decided', details: { decided_by: boss.userId } });
    else t.is((await again).decidedBy?.id, other.userId);
    t.is(await held(), '2.000000', 'once');
    t.is((await db('ledger').where({ subject: wanted.id, action: 'applications.approve' })).length, 1);
    t.is((await mailsTo(ada)).length, before + 1);
  });
}
