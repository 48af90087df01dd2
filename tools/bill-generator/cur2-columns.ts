import type { Chargeable } from './catalogue.ts';
import { billingEntity, billType, instanceFamily, legalEntity, optional, pricingTerm } from './legacy-columns.ts';
import type { Column } from './legacy-columns.ts';
import type { LineItem } from './line-item.ts';
import { unitsText } from './units.ts';

export type Cur2Type = 'string' | 'double' | 'timestamp' | 'map<string,string>' | 'map<string,double>';

export interface Cur2Column extends Column {
  type: Cur2Type;
}

const string = (name: string, value: (item: LineItem) => string): Cur2Column => ({ name, value, isFreeText: false, type: 'string' });
const text = (name: string, value: (item: LineItem) => string): Cur2Column => ({ name, value, isFreeText: true, type: 'string' });
const double = (name: string, value: (item: LineItem) => string): Cur2Column => ({ name, value, isFreeText: false, type: 'double' });
const time = (name: string, value: (item: LineItem) => string): Cur2Column =>
  ({ name, value: (item) => `${value(item).slice(0, 19)}.000Z`, isFreeText: false, type: 'timestamp' });
const map = (name: string, value: (item: LineItem) => string): Cur2Column => ({ name, value, isFreeText: true, type: 'map<string,string>' });
const blank = (make: typeof string, prefix: string, names: string): Cur2Column[] =>
  names.split(' ').map((name) => make(`${prefix}_${name}`, () => ''));

/**
 * A tag or category key as Athena and CUR 2.0 write it: `_` before each capital, lower case, anything
 * else than letters and digits `_`, no `_` repeated, leading or trailing.
 */
export function normalisedKey(key: string): string {
  return key.replace(/[A-Z]/g, '_$&').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_|_$/g, '');
}

interface MapTexts {
  tags: string;
  categories: string;
  product: string;
}

const known = new WeakMap<Chargeable, MapTexts>();

/** The maps of one chargeable as JSON text; a key is there only if it has a value. */
function mapsOf(of: Chargeable): MapTexts {
  let texts = known.get(of);
  if (texts !== undefined) return texts;
  const normalised = (entries: Readonly<Record<string, string>>): string =>
    JSON.stringify(Object.fromEntries(Object.entries(entries).map(([key, value]) => [normalisedKey(key), value])));
  const product = Object.entries({ product_name: of.productName, region: of.region.id, servicename: of.serviceCode === '' ? '' : of.productName })
    .filter(([, value]) => value !== '');
  texts = { tags: normalised(of.tags), categories: normalised(of.costCategories), product: JSON.stringify(Object.fromEntries(product)) };
  known.set(of, texts);
  return texts;
}

const discountText = (item: LineItem): string =>
  item.type === 'EdpDiscount' ? `{"EdpDiscount": ${unitsText(item.unblended)}}` : '{}';

function bill(payerAccountId: string): Cur2Column[] {
  return [
    string('bill_bill_type', billType), string('bill_billing_entity', billingEntity),
    time('bill_billing_period_end_date', (item) => item.month.endText), time('bill_billing_period_start_date', (item) => item.month.startText),
    string('bill_invoice_id', (item) => item.month.invoiceId), text('bill_invoicing_entity', legalEntity),
    string('bill_payer_account_id', () => payerAccountId), text('bill_payer_account_name', () => 'Acme (payer)'),
    map('cost_category', (item) => mapsOf(item.of).categories),
    { ...map('discount', discountText), type: 'map<string,double>' },
    double('discount_bundled_discount', () => ''), double('discount_total_discount', () => ''),
    string('identity_line_item_id', (item) => item.id), string('identity_time_interval', (item) => `${item.startText}/${item.endText}`),
  ];
}

const LINE_ITEM: readonly Cur2Column[] = [
  string('line_item_availability_zone', (item) => item.of.zone),
  double('line_item_blended_cost', (item) => (item.type.endsWith('Discount') ? '' : unitsText(item.unblended))),
  string('line_item_blended_rate', (item) => item.rate), string('line_item_currency_code', (item) => item.of.account.currency),
  text('line_item_legal_entity', legalEntity), text('line_item_line_item_description', (item) => item.description),
  string('line_item_line_item_type', (item) => item.type), double('line_item_net_unblended_cost', () => ''),
  string('line_item_net_unblended_rate', () => ''), double('line_item_normalization_factor', () => ''),
  double('line_item_normalized_usage_amount', () => ''), string('line_item_operation', (item) => item.operation),
  string('line_item_product_code', (item) => item.of.productCode), string('line_item_resource_id', (item) => item.of.resourceId),
  string('line_item_tax_type', (item) => item.taxType), double('line_item_unblended_cost', (item) => unitsText(item.unblended)),
  string('line_item_unblended_rate', (item) => item.rate), string('line_item_usage_account_id', (item) => item.of.account.id),
  text('line_item_usage_account_name', (item) => item.of.account.name), double('line_item_usage_amount', (item) => unitsText(item.usage)),
  time('line_item_usage_end_date', (item) => item.endText), time('line_item_usage_start_date', (item) => item.startText),
  string('line_item_usage_type', (item) => item.usageType),
];

const PRICING: readonly Cur2Column[] = [
  string('pricing_currency', (item) => (item.publicCost === null ? '' : item.of.account.currency)),
  ...blank(string, 'pricing', 'lease_contract_length offering_class'),
  double('pricing_public_on_demand_cost', (item) => optional(item.publicCost)),
  string('pricing_public_on_demand_rate', (item) => (item.publicCost === null ? '' : item.rate)),
  ...blank(string, 'pricing', 'purchase_option rate_code rate_id'),
  string('pricing_term', pricingTerm), string('pricing_unit', (item) => item.unit),
];

const PRODUCT: readonly Cur2Column[] = [
  map('product', (item) => mapsOf(item.of).product),
  ...blank(string, 'product', 'comment fee_code fee_description from_location from_location_type from_region_code'),
  string('product_instance_family', instanceFamily), string('product_instance_type', (item) => item.of.instanceType),
  string('product_instancesku', () => ''), text('product_location', (item) => item.of.region.location),
  string('product_location_type', (item) => (item.of.region.id === '' ? '' : 'AWS Region')),
  string('product_operation', (item) => item.operation), string('product_pricing_unit', () => ''),
  string('product_product_family', (item) => item.family), string('product_region_code', (item) => item.of.region.id),
  string('product_servicecode', (item) => item.of.serviceCode), string('product_sku', () => ''),
  ...blank(string, 'product', 'to_location to_location_type to_region_code'),
  string('product_usagetype', (item) => item.usageType),
];

const RESERVATION: readonly Cur2Column[] = [
  double('reservation_amortized_upfront_cost_for_usage', (item) => optional(item.reservation?.upfrontForUsage)),
  double('reservation_amortized_upfront_fee_for_billing_period', (item) => optional(item.reservation?.upfrontForPeriod)),
  string('reservation_availability_zone', () => ''),
  double('reservation_effective_cost', (item) => optional(item.reservation?.effective)),
  ...blank(string, 'reservation', 'end_time modification_status'),
  ...blank(double, 'reservation', 'net_amortized_upfront_cost_for_usage net_amortized_upfront_fee_for_billing_period net_effective_cost ' +
    'net_recurring_fee_for_usage net_unused_amortized_upfront_fee_for_billing_period net_unused_recurring_fee net_upfront_value'),
  ...blank(string, 'reservation', 'normalized_units_per_reservation number_of_reservations'),
  double('reservation_recurring_fee_for_usage', (item) => optional(item.reservation?.recurringForUsage)),
  string('reservation_reservation_a_r_n', (item) => item.reservation?.arn ?? ''),
  ...blank(string, 'reservation', 'start_time subscription_id total_reserved_normalized_units total_reserved_units units_per_reservation'),
  double('reservation_unused_amortized_upfront_fee_for_billing_period', (item) => optional(item.reservation?.unusedUpfront)),
  ...blank(double, 'reservation', 'unused_normalized_unit_quantity unused_quantity'),
  double('reservation_unused_recurring_fee', (item) => optional(item.reservation?.unusedRecurring)),
  double('reservation_upfront_value', () => ''),
];

const SAVINGS_PLAN: readonly Cur2Column[] = [
  double('savings_plan_amortized_upfront_commitment_for_billing_period', (item) => optional(item.savingsPlan?.upfrontForPeriod)),
  ...blank(string, 'savings_plan', 'end_time instance_type_family'),
  ...blank(double, 'savings_plan', 'net_amortized_upfront_commitment_for_billing_period net_recurring_commitment_for_billing_period ' +
    'net_savings_plan_effective_cost'),
  string('savings_plan_offering_type', (item) => item.savingsPlan?.offering ?? ''),
  ...blank(string, 'savings_plan', 'payment_option purchase_term'),
  double('savings_plan_recurring_commitment_for_billing_period', (item) => optional(item.savingsPlan?.recurringForPeriod)),
  string('savings_plan_region', () => ''), string('savings_plan_savings_plan_a_r_n', (item) => item.savingsPlan?.arn ?? ''),
  double('savings_plan_savings_plan_effective_cost', (item) => optional(item.savingsPlan?.effective)),
  double('savings_plan_savings_plan_rate', () => ''), string('savings_plan_start_time', () => ''),
  double('savings_plan_total_commitment_to_date', (item) => optional(item.savingsPlan?.totalCommitment)),
  double('savings_plan_used_commitment', (item) => optional(item.savingsPlan?.usedCommitment)),
];

/**
 * The columns of Data Exports' `COST_AND_USAGE_REPORT` with resources and without split cost
 * allocation, in order of name, with the types its parquet files have.
 */
export function cur2Columns(payerAccountId: string): Cur2Column[] {
  return [
    ...bill(payerAccountId), ...LINE_ITEM, ...PRICING, ...PRODUCT, ...RESERVATION,
    map('resource_tags', (item) => mapsOf(item.of).tags), ...SAVINGS_PLAN,
  ];
}
