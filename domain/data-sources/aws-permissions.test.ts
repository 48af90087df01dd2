import test from 'ava';
import { awsPermissionText } from './aws-permissions.ts';
import { leastPrivilegePolicy, type PolicyOptions } from './aws-policy.ts';
import type { PolicyDocument } from './bucket-policy.ts';

const ACCOUNT = '123456789012';
const adopting: PolicyOptions = { kind: 'root', scheme: 'adopt', dialect: 'cur2', accountId: ACCOUNT, bucket: 'bills', prefix: 'cur2', name: 'acme' };

function actionsOf({ Statement }: PolicyDocument): string[] {
  return [...new Set(Statement.flatMap(({ Action }) => Action))].sort();
}

test('the document allows exactly the permissions that the list names', (t) => {
  const { document, permissions, format } = awsPermissionText(ACCOUNT);
  t.is(format, 'iam-policy');
  t.deepEqual(actionsOf(document as PolicyDocument), [...new Set(permissions.map(({ name }) => name))].sort());
});

test('power is allowed on the instances of the account and on nothing else', (t) => {
  const { Statement } = awsPermissionText(ACCOUNT).document as PolicyDocument;
  const power = Statement.filter(({ Action }) => [Action].flat().some((action) => /:(Start|Stop)/.test(action)));
  t.deepEqual(power.map(({ Action, Resource }) => ({ Action, Resource })), [
    { Action: ['ec2:StartInstances', 'ec2:StopInstances'], Resource: ['arn:aws:ec2:*:123456789012:instance/*'] },
  ]);
  // Everything that is allowed on all resources only reads.
  for (const { Action, Resource } of Statement) if ([Resource].flat().includes('*')) t.true([Action].flat().every((action) => action.startsWith('ec2:Describe')));
});

test('an account that is not known yet stands as a wildcard', (t) => {
  const { Statement } = awsPermissionText(null).document as PolicyDocument;
  t.true(Statement.flatMap(({ Resource }) => Resource).includes('arn:aws:ec2:*:*:instance/*'));
});

test("an account's policy gains the instances when they are wanted, linked accounts' and directories' too", (t) => {
  const instances = { accountId: ACCOUNT };
  const own = actionsOf(awsPermissionText(ACCOUNT).document as PolicyDocument);
  t.deepEqual(actionsOf(leastPrivilegePolicy({ kind: 'linked', instances }) as PolicyDocument), own);
  t.deepEqual(actionsOf(leastPrivilegePolicy({ kind: 'root', scheme: 'directory', instances }) as PolicyDocument), own);
  const bill = leastPrivilegePolicy(adopting) as PolicyDocument;
  const both = leastPrivilegePolicy({ ...adopting, instances }) as PolicyDocument;
  t.deepEqual(actionsOf(both), [...actionsOf(bill), ...own].sort());
  const sids = both.Statement.map(({ Sid }) => Sid);
  t.is(new Set(sids).size, sids.length);
});

test('without instances the policies stay what the bill needs', (t) => {
  t.is(leastPrivilegePolicy({ kind: 'linked' }), null);
  t.false(actionsOf(leastPrivilegePolicy(adopting) as PolicyDocument).some((action) => action.startsWith('ec2:')));
});
