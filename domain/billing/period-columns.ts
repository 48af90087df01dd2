/**
 * Columns of the three CSV files a `PeriodReading` hands over, in order, after a header line with
 * these names. Empty text is the empty
 * string, never null. Instants are RFC 3339 UTC, dates ISO,
 * costs plain decimal text without exponent. Costs hold at most 24 fractional digits. Numbers of
 * resources and kinds are positive, and mean something only within the reading.
 *
 * One row a resource, kind of charge and day.
 */
export const COST_COLUMNS = [
  'resource_number',
  'kind_number',
  'charge_date',
  'consumed_quantity',
  'billed_cost',
  'effective_cost',
  'contracted_cost',
  'list_cost',
] as const;

/** One row a kind of charge: what a charge is besides when, whose and how much. */
export const KIND_COLUMNS = [
  'kind_number',
  'charge_category',
  'charge_class',
  'service_name',
  'region_id',
  'consumed_unit',
  'billing_currency',
] as const;

/**
 * One row a resource. `tags` is a JSON object `{normalised key: value}`, keys sorted: the same bill
 * as legacy CSV, legacy Parquet or CUR 2.0 gives the same text, though only some of them tell the source
 * key. Source keys are handed over once a period, as `PeriodReading.tagKeys`. `is_named_line` is
 * true for lines without a cloud resource. `resource_type` is `service:type` (resource-types.ts).
 * `service_name` and `region_id` are those that cost most on the resource; tags are those of its
 * latest line. `first_seen` is the first usage start, `last_seen` the last usage end.
 */
export const RESOURCE_COLUMNS = [
  'resource_number',
  'sub_account_id',
  'native_id',
  'is_named_line',
  'resource_name',
  'resource_type',
  'service_name',
  'region_id',
  'tags',
  'first_seen',
  'last_seen',
] as const;

/** Digits after the point that a cost or quantity may have: NUMERIC(38,24). More is an error, never rounding. */
export const COST_SCALE = 24;
