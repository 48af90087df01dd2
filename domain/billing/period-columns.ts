/**
 * Columns of the two CSV files a `PeriodReading` hands over, in order. Empty text is the empty
 * string, never null, but for the columns named nullable. Instants are RFC 3339 UTC, dates ISO,
 * costs plain decimal text without exponent. Costs hold at most 24 fractional digits.
 */
export const COST_COLUMNS = [
  'sub_account_id',
  'native_id',
  'charge_date',
  'charge_category',
  'charge_class',
  'service_name',
  'region_id',
  'consumed_unit',
  'billing_currency',
  'consumed_quantity',
  'billed_cost',
  'effective_cost',
  'contracted_cost',
  'list_cost',
] as const;

/** One row a resource; `tags` is a JSON object `{source key: value}`, `is_named_line` true for lines without a cloud resource. */
export const RESOURCE_COLUMNS = [
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
