import test from 'ava';
import { normaliseReportName, sourceTagKey, tagKeysOf } from './tag-keys.ts';

test('tag keys are normalised as Athena and CUR 2.0 do it', (t) => {
  const vectors: Record<string, string> = {
    'user:CostCenter': 'user_cost_center',
    'user:Name': 'user_name',
    'aws:createdBy': 'aws_created_by',
    'user:kubernetes.io/created-for/pvc/name': 'user_kubernetes_io_created_for_pvc_name',
    'user:alpha.eksctl.io/cluster-name': 'user_alpha_eksctl_io_cluster_name',
    'aws:eks:cluster-name': 'aws_eks_cluster_name',
    'savingsPlan/SavingsPlanARN': 'savings_plan_savings_plan_a_r_n',
    'lineItem/LineItemType': 'line_item_line_item_type',
  };
  for (const [source, normalised] of Object.entries(vectors)) t.is(normaliseReportName(source), normalised);
  for (const normalised of Object.values(vectors)) t.is(normaliseReportName(normalised), normalised);
});

test('keys that get one normalised name keep apart: the first has it, the others their own', (t) => {
  t.deepEqual(tagKeysOf(['user:cost-center', 'user:cost_center', 'user:cost-center', '']), [
    { sourceKey: 'user:cost-center', normalisedKey: 'user_cost_center' },
    { sourceKey: 'user:cost_center', normalisedKey: 'user:cost_center' },
    { sourceKey: '', normalisedKey: '' },
  ]);
});

test('of the tags map only resource tags are tags, with their legacy key', (t) => {
  t.is(sourceTagKey('resourceTags/user:Team'), 'user:Team');
  t.is(sourceTagKey('resourceTags/Team'), 'user:Team');
  t.is(sourceTagKey('resourceTags/aws:createdBy'), 'aws:createdBy');
  t.is(sourceTagKey('accountTag/Team'), null);
});
