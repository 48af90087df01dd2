import test from 'ava';
import { deliveryStatements, withStatements } from './bucket-policy.ts';

const ours = deliveryStatements('cur2', 'acme-bills', '123456789012');

function statementsOf(policy: string | null): { Sid?: string }[] {
  return (JSON.parse(policy ?? '') as { Statement: { Sid?: string }[] }).Statement;
}

test('a bucket without a policy gets ours', (t) => {
  t.deepEqual(statementsOf(withStatements(null, ours)), ours);
});

test('adding twice changes nothing, however the fields are ordered', (t) => {
  const policy = withStatements(null, ours) ?? '';
  t.is(withStatements(policy, ours), null);
  const reordered = statementsOf(policy).map((one) => Object.fromEntries(Object.entries(one).toReversed()));
  t.is(withStatements(JSON.stringify({ Statement: reordered, Version: '2012-10-17' }), ours), null);
});

test('foreign statements stay as they are and in their order, with or without an id', (t) => {
  const foreign = [{ Sid: 'B', Effect: 'Deny', Action: '*' }, { Effect: 'Allow', Action: 's3:GetObject' }];
  const merged = withStatements(JSON.stringify({ Version: '2012-10-17', Id: 'kept', Statement: foreign }), ours);
  t.deepEqual(statementsOf(merged), [...foreign, ...ours] as { Sid?: string }[]);
  t.is((JSON.parse(merged ?? '') as { Id: string }).Id, 'kept');
  const [only] = foreign;
  t.deepEqual(statementsOf(withStatements(JSON.stringify({ Statement: only }), ours))[0], only, 'a single statement need not be a list');
});

test('an outdated statement of ours is replaced, another account\'s stays', (t) => {
  const outdated = [{ ...ours[0], Action: 's3:*' }, ...deliveryStatements('cur2', 'acme-bills', '999999999999')];
  const merged = statementsOf(withStatements(JSON.stringify({ Statement: outdated }), ours));
  t.deepEqual(merged.map((one) => one.Sid), ['OrreryDataExports999999999999', 'OrreryDataExports123456789012']);
  t.deepEqual(merged[1], ours[0]);
});

test('what is no policy is refused instead of overwritten', (t) => {
  for (const text of ['not json', '{}', 'null']) {
    t.throws(() => withStatements(text, ours), { code: 'aws.bucket-policy-unreadable' });
  }
});
