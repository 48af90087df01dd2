import type { ListedInstance } from '../../db/resources/instance-list.ts';
import type { ListedResource } from '../../db/resources/resource-list.ts';
import type { ResourceCosts } from '../../db/resources/resource-store.ts';
import type { BilledLineItem } from '../../domain/billing/ports.ts';
import type { CostMetric, ExpensePeriod } from '../../domain/billing/expense-query.ts';
import type { Resource } from '../../domain/resources/resource.ts';
import type { z } from '../shared/zod.ts';
import { instanceBlockView } from './instance-views.ts';
import type { lineItemsBody, resourceBody, resourcesBody } from './schemas.ts';

type Attributes = Pick<
  Resource,
  'id' | 'accountId' | 'nativeId' | 'isNamedLine' | 'name' | 'type' | 'serviceName' | 'regionId' | 'firstSeen' | 'lastSeen'
>;

function attributesView(resource: Attributes) {
  return {
    id: resource.id,
    account_id: resource.accountId,
    native_id: resource.nativeId,
    is_named_line: resource.isNamedLine,
    name: resource.name,
    type: resource.type,
    service: resource.serviceName,
    region: resource.regionId,
    first_seen: resource.firstSeen,
    last_seen: resource.lastSeen,
  };
}

/** A resource in a list. */
export function listedView(resource: ListedResource): z.input<typeof resourcesBody>['items'][number] {
  return { ...attributesView(resource), tags: resource.tags, costs: resource.costs };
}

/** A resource by itself, with its costs in a period, and what it is as an instance. */
export function resourceView(
  resource: Resource,
  costs: ResourceCosts,
  period: ExpensePeriod & { metric: CostMetric },
  instance: ListedInstance | null,
): z.input<typeof resourceBody> {
  return {
    ...attributesView(resource),
    organization_id: resource.organizationId,
    cloud: resource.cloud,
    tags: resource.tags.map((tag) => ({ key: tag.key, source_keys: tag.sourceKeys, value: tag.value })),
    bills: resource.bills.map((bill) => ({ billing_period: bill.billingPeriod.slice(0, 7), data_source_id: bill.dataSourceId })),
    start: period.start,
    end: period.end,
    basis: period.basis,
    metric: period.metric,
    costs: costs.totals,
    daily_costs: costs.days,
    instance: instance === null ? null : instanceBlockView(instance),
  };
}

/** A line item as its bill has it. */
export function lineItemView(item: BilledLineItem): z.input<typeof lineItemsBody>['items'][number] {
  return {
    data_source_id: item.dataSourceId,
    charge_period_start: item.chargePeriodStart,
    charge_period_end: item.chargePeriodEnd,
    line_item_type: item.lineItemType,
    description: item.description,
    usage_type: item.usageType,
    operation: item.operation,
    consumed_quantity: item.consumedQuantity,
    consumed_unit: item.consumedUnit,
    currency: item.currency,
    billed_cost: item.billedCost,
    effective_cost: item.effectiveCost,
    contracted_cost: item.contractedCost,
    list_cost: item.listCost,
    invoice_id: item.invoiceId,
  };
}
