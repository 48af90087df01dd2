import test from 'ava';
import { costsOf, COST_RULES, UNKNOWN_TYPE_RULE } from './cost-rules.ts';
import type { RuledLine } from './cost-rules.ts';
import { identifyLine } from './named-lines.ts';
import { resourceTypeOf } from './resource-types.ts';

function line(changes: Partial<RuledLine>): RuledLine {
  return {
    lineItemType: 'Usage', productCode: 'AmazonEC2', description: '', resourceId: 'i-1', usageType: '', usageAmount: '1', reservationArn: '',
    savingsPlanArn: '', unblendedCost: '1', netUnblendedCost: null, publicOnDemandCost: null, reservationEffectiveCost: null,
    unusedAmortizedUpfrontFee: null, unusedRecurringFee: null, savingsPlanEffectiveCost: null, totalCommitmentToDate: null,
    usedCommitment: null, ...changes,
  };
}

function costs(changes: Partial<RuledLine>): string {
  const { billedCost, effectiveCost, contractedCost, listCost } = costsOf(line(changes));
  return [billedCost, effectiveCost, contractedCost, listCost].join(' ');
}

test('billed, effective, contracted and list cost of each line item type', (t) => {
  t.is(costs({ netUnblendedCost: '0.8', publicOnDemandCost: '2' }), '1 1 0.8 2');
  t.is(costs({}), '1 1 1 1');
  t.is(costs({ lineItemType: 'SavingsPlanCoveredUsage', savingsPlanEffectiveCost: '0.6', publicOnDemandCost: '1.1' }), '1 0.6 1 1.1');
  t.is(costs({ lineItemType: 'SavingsPlanNegation', unblendedCost: '-1', publicOnDemandCost: '1' }), '-1 0 0 0');
  t.is(costs({ lineItemType: 'DiscountedUsage', unblendedCost: '0', reservationEffectiveCost: '0.4', publicOnDemandCost: '1' }), '0 0.4 1 1');
  t.is(costs({ lineItemType: 'SavingsPlanRecurringFee', totalCommitmentToDate: '10', usedCommitment: '7.5' }), '1 2.5 0 0');
  t.is(costs({ lineItemType: 'SavingsPlanUpfrontFee' }), '1 0 0 0');
  t.is(costs({ lineItemType: 'RIFee', unusedAmortizedUpfrontFee: '0.1', unusedRecurringFee: '0.2' }), '1 0.3 0 0');
  t.is(costs({ lineItemType: 'RIFee', unusedRecurringFee: '0.2' }), '1 0.2 0 0');
  t.is(costs({ lineItemType: 'Fee', reservationArn: 'arn' }), '1 0 0 0');
  t.is(costs({ lineItemType: 'Fee' }), '1 1 1 1');
  t.is(costs({ lineItemType: 'Tax' }), '1 1 1 1');
  t.is(costs({ lineItemType: 'EdpDiscount', unblendedCost: '-1' }), '-1 -1 -1 0');
  t.is(costs({ lineItemType: 'SomethingNew', unblendedCost: '5' }), '5 5 5 5');
});

test('amortisation that the file does not tell falls back to the unblended cost, never to zero', (t) => {
  t.is(costs({ lineItemType: 'SavingsPlanCoveredUsage' }), '1 1 1 1');
  t.is(costs({ lineItemType: 'SavingsPlanRecurringFee', totalCommitmentToDate: '10' }), '1 1 0 0');
  t.is(costs({ lineItemType: 'RIFee' }), '1 1 0 0');
});

test('a type is named by one rule for each condition', (t) => {
  const named = COST_RULES.flatMap((rule) => rule.types.map((type) => `${type} ${rule.when}`));
  t.is(new Set(named).size, named.length);
  t.deepEqual(UNKNOWN_TYPE_RULE.types, []);
});

test('usage of negations and allocated capacity does not count', (t) => {
  t.is(costsOf(line({ lineItemType: 'SavingsPlanNegation' })).consumedQuantity, '0');
  t.is(costsOf(line({ usageType: 'Reservation:m5', resourceId: 'arn:aws:ec2:x:1:capacity-reservation/cr-1' })).consumedQuantity, '0');
  t.is(costsOf(line({ usageType: 'Reservation:m5' })).consumedQuantity, '1');
  t.is(costsOf(line({ usageAmount: null })).consumedQuantity, null);
});

test('a line stands on its plan, its reservation, its resource or a named line', (t) => {
  const owned = { lineItemType: 'Tax', productCode: 'AmazonS3', resourceId: '', reservationArn: 'arn:r', savingsPlanArn: 'arn:p' };
  t.deepEqual(identifyLine('savings-plan', owned), { nativeId: 'arn:p', isNamedLine: true });
  t.deepEqual(identifyLine('reservation', owned), { nativeId: 'arn:r', isNamedLine: true });
  t.deepEqual(identifyLine('resource', owned), { nativeId: 'line:Tax:AmazonS3', isNamedLine: true });
  t.deepEqual(identifyLine('resource', { ...owned, resourceId: 'b/c' }), { nativeId: 'b/c', isNamedLine: false });
});

test('resource types come from ids as Resource Explorer names them', (t) => {
  t.is(resourceTypeOf('i-0abc', 'AmazonEC2'), 'ec2:instance');
  t.is(resourceTypeOf('arn:aws:lambda:us-east-1:1:function:x', 'AWSLambda'), 'lambda:function');
  t.is(resourceTypeOf('arn:aws:s3:::bucket', 'AmazonS3'), 's3:bucket');
  t.is(resourceTypeOf('arn:aws:sqs:us-east-1:1:jobs', 'AWSQueueService'), 'sqs:queue');
  t.is(resourceTypeOf('arn:aws:apigateway:us-east-1::/restapis/x/stages/y', 'AmazonApiGateway'), 'apigateway:restapis');
  t.is(resourceTypeOf('my-bucket', 'AmazonS3'), 's3:bucket');
  t.is(resourceTypeOf('thing', 'AmazonSageMaker'), 'sagemaker');
  t.is(resourceTypeOf('line:Tax:AmazonS3', 'AmazonS3'), 'named-line');
});
