import { approveApplication } from '../../commands/projects/application-decisions.ts';
import { connect } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Reviewer } from '../../domain/projects/application-rules.ts';
import { actorOf } from './applications.ts';

/** Where the process dies that approves an application. */
export interface ApprovalOrder {
  at: 'before commit' | 'after commit';
  databaseUrl: string;
  ref: { organizationId: string; id: string };
  reviewer: Reviewer;
  now: string;
}

// Usage: forked with its order as JSON. Approves and kills itself at the ordered point.
const { at, databaseUrl, ref, reviewer, now } = JSON.parse(process.argv[2] ?? '') as ApprovalOrder;
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('SIGKILL does not return');
};
await inTransaction(connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-approval' }), async (tx) => {
  await approveApplication(tx, ref, 'killed', { at: now, by: actorOf(reviewer), reviewer });
  if (at === 'before commit') die();
});
die();
