import type { LineItem } from './line-item.ts';
import { unitsText } from './units.ts';
import type { Units } from './units.ts';

/** A column of a dialect: its name and what a row holds in it, as unquoted text. */
export interface Column {
  name: string;
  value(item: LineItem): string;
  /** The value may hold commas, quotes or line breaks. */
  isFreeText: boolean;
}

const column = (name: string, value: (item: LineItem) => string): Column => ({ name, value, isFreeText: false });
const text = (name: string, value: (item: LineItem) => string): Column => ({ name, value, isFreeText: true });
const blank = (prefix: string, names: string): Column[] => names.split(' ').map((name) => column(`${prefix}/${name}`, () => ''));
export const optional = (units: Units | null | undefined): string => (units === null || units === undefined ? '' : unitsText(units));

const isMarketplace = (item: LineItem): boolean => item.of.coverage === 'marketplace';
export const billingEntity = (item: LineItem): string => (isMarketplace(item) ? 'AWS Marketplace' : 'AWS');
export const legalEntity = (item: LineItem): string => (isMarketplace(item) ? 'Example Observability GmbH' : 'Amazon Web Services EMEA SARL');
export const billType = (item: LineItem): string => (item.type === 'Refund' ? 'Refund' : 'Anniversary');
export const pricingTerm = (item: LineItem): string => {
  if (item.type === 'DiscountedUsage') return 'Reserved';
  if (item.of.coverage === 'spot') return 'Spot';
  return item.publicCost === null ? '' : 'OnDemand';
};
export const instanceFamily = (item: LineItem): string => (item.of.instanceType === '' ? '' : 'General purpose');

/** Tag keys as legacy columns name them; also the keys a row's `of.tags` may have. */
export const TAG_KEYS = ['aws:createdBy', 'user:CostCenter', 'user:Env', 'user:Name', 'user:Team'] as const;
export const COST_CATEGORIES = ['Charge type', 'Unit'] as const;

/** Product attributes that real reports carry and these items leave empty. */
const EMPTY_PRODUCT_ATTRIBUTES =
  'alarmType availability availabilityZone bundle capacitystatus clockSpeed computeFamily currentGeneration databaseEdition databaseEngine ' +
  'dedicatedEbsThroughput deploymentOption durability ecu edition endpointType engineCode enhancedNetworkingSupported eventType feeCode ' +
  'feeDescription fromLocation fromLocationType gpu gpuMemory group groupDescription intelAvx2Available intelAvxAvailable intelTurboAvailable ' +
  'licenseModel maxIopsvolume maxThroughputvolume maxVolumeSize memory memoryGib messageDeliveryFrequency networkPerformance ' +
  'normalizationSizeFactor operatingSystem physicalProcessor preInstalledSw processorArchitecture processorFeatures provisioned requestType ' +
  'routingTarget storage storageClass storageMedia tenancy toLocation toLocationType transferType vcpu version volumeApiName volumeType';

function identityAndBill(payerAccountId: string): Column[] {
  return [
    column('identity/LineItemId', (item) => item.id),
    column('identity/TimeInterval', (item) => `${item.startText}/${item.endText}`),
    column('bill/InvoiceId', (item) => item.month.invoiceId),
    text('bill/InvoicingEntity', legalEntity),
    column('bill/BillingEntity', billingEntity),
    column('bill/BillType', billType),
    column('bill/PayerAccountId', () => payerAccountId),
    column('bill/BillingPeriodStartDate', (item) => item.month.startText),
    column('bill/BillingPeriodEndDate', (item) => item.month.endText),
  ];
}

const LINE_ITEM: readonly Column[] = [
  column('lineItem/UsageAccountId', (item) => item.of.account.id),
  column('lineItem/LineItemType', (item) => item.type),
  column('lineItem/UsageStartDate', (item) => item.startText),
  column('lineItem/UsageEndDate', (item) => item.endText),
  column('lineItem/ProductCode', (item) => item.of.productCode),
  column('lineItem/UsageType', (item) => item.usageType),
  column('lineItem/Operation', (item) => item.operation),
  column('lineItem/AvailabilityZone', (item) => item.of.zone),
  column('lineItem/ResourceId', (item) => item.of.resourceId),
  column('lineItem/UsageAmount', (item) => unitsText(item.usage)),
  column('lineItem/NormalizationFactor', () => ''),
  column('lineItem/NormalizedUsageAmount', () => ''),
  column('lineItem/CurrencyCode', (item) => item.of.account.currency),
  column('lineItem/UnblendedRate', (item) => item.rate),
  column('lineItem/UnblendedCost', (item) => unitsText(item.unblended)),
  column('lineItem/BlendedRate', (item) => item.rate),
  column('lineItem/BlendedCost', (item) => (item.type.endsWith('Discount') ? '' : unitsText(item.unblended))),
  text('lineItem/LineItemDescription', (item) => item.description),
  column('lineItem/TaxType', (item) => item.taxType),
  text('lineItem/LegalEntity', legalEntity),
];

const PRODUCT: readonly Column[] = [
  text('product/ProductName', (item) => item.of.productName),
  ...blank('product', EMPTY_PRODUCT_ATTRIBUTES),
  column('product/instanceFamily', instanceFamily),
  column('product/instanceType', (item) => item.of.instanceType),
  text('product/location', (item) => item.of.region.location),
  column('product/locationType', (item) => (item.of.region.id === '' ? '' : 'AWS Region')),
  column('product/operation', (item) => item.operation),
  column('product/productFamily', (item) => item.family),
  column('product/region', (item) => item.of.region.id),
  column('product/regionCode', (item) => item.of.region.id),
  column('product/servicecode', (item) => item.of.serviceCode),
  text('product/servicename', (item) => (item.of.serviceCode === '' ? '' : item.of.productName)),
  column('product/sku', () => ''),
  column('product/usagetype', (item) => item.usageType),
];

const PRICING: readonly Column[] = [
  ...blank('pricing', 'LeaseContractLength OfferingClass PurchaseOption RateCode RateId'),
  column('pricing/currency', (item) => (item.publicCost === null ? '' : item.of.account.currency)),
  column('pricing/publicOnDemandCost', (item) => optional(item.publicCost)),
  column('pricing/publicOnDemandRate', (item) => (item.publicCost === null ? '' : item.rate)),
  column('pricing/term', pricingTerm),
  column('pricing/unit', (item) => item.unit),
];

const RESERVATION: readonly Column[] = [
  column('reservation/AmortizedUpfrontCostForUsage', (item) => optional(item.reservation?.upfrontForUsage)),
  column('reservation/AmortizedUpfrontFeeForBillingPeriod', (item) => optional(item.reservation?.upfrontForPeriod)),
  column('reservation/EffectiveCost', (item) => optional(item.reservation?.effective)),
  ...blank('reservation', 'EndTime ModificationStatus NormalizedUnitsPerReservation NumberOfReservations'),
  column('reservation/RecurringFeeForUsage', (item) => optional(item.reservation?.recurringForUsage)),
  column('reservation/ReservationARN', (item) => item.reservation?.arn ?? ''),
  ...blank('reservation', 'StartTime SubscriptionId TotalReservedNormalizedUnits TotalReservedUnits UnitsPerReservation'),
  column('reservation/UnusedAmortizedUpfrontFeeForBillingPeriod', (item) => optional(item.reservation?.unusedUpfront)),
  ...blank('reservation', 'UnusedNormalizedUnitQuantity UnusedQuantity'),
  column('reservation/UnusedRecurringFee', (item) => optional(item.reservation?.unusedRecurring)),
  ...blank('reservation', 'UpfrontValue'),
];

const SAVINGS_PLAN: readonly Column[] = [
  column('savingsPlan/TotalCommitmentToDate', (item) => optional(item.savingsPlan?.totalCommitment)),
  column('savingsPlan/SavingsPlanARN', (item) => item.savingsPlan?.arn ?? ''),
  column('savingsPlan/SavingsPlanRate', () => ''),
  column('savingsPlan/UsedCommitment', (item) => optional(item.savingsPlan?.usedCommitment)),
  column('savingsPlan/SavingsPlanEffectiveCost', (item) => optional(item.savingsPlan?.effective)),
  column('savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod', (item) => optional(item.savingsPlan?.upfrontForPeriod)),
  column('savingsPlan/RecurringCommitmentForBillingPeriod', (item) => optional(item.savingsPlan?.recurringForPeriod)),
  ...blank('savingsPlan', 'StartTime EndTime InstanceTypeFamily'),
  column('savingsPlan/OfferingType', (item) => item.savingsPlan?.offering ?? ''),
  ...blank('savingsPlan', 'PaymentOption PurchaseTerm Region'),
];

/** The columns of a legacy Cost and Usage Report, in order; the header is their names. */
export function legacyColumns(payerAccountId: string): Column[] {
  return [
    ...identityAndBill(payerAccountId), ...LINE_ITEM, ...PRODUCT, ...PRICING, ...RESERVATION, ...SAVINGS_PLAN,
    ...COST_CATEGORIES.map((key) => text(`costCategory/${key}`, (item) => item.of.costCategories[key] ?? '')),
    ...TAG_KEYS.map((key) => text(`resourceTags/${key}`, (item) => item.of.tags[key] ?? '')),
  ];
}
