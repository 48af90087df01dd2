import { DuckDBInstance } from '@duckdb/node-api';
import type { Prepare } from '../case.ts';

/**
 * What makes a group: the columns by which the product tells resources, kinds of charge and sets of tags apart. Tags as JSON
 * text group in two thirds of the time that the MAP takes.
 */
const KEYS = [
  'line_item_usage_account_id', 'line_item_resource_id', 'CAST(line_item_usage_start_date AS DATE) AS charge_date', 'line_item_line_item_type',
  'line_item_product_code', `product['product_name'] AS product_name`, 'product_region_code', 'pricing_unit', 'line_item_currency_code',
  'reservation_reservation_a_r_n', 'savings_plan_savings_plan_a_r_n', 'CAST(to_json(resource_tags) AS VARCHAR) AS tags',
];
/** Columns that the product looks at in every line, to choose a rule or to refuse it; any value of a group does here. */
const LOOKED_AT = [
  'bill_billing_period_start_date', 'bill_invoice_id', 'bill_billing_entity', 'line_item_operation', 'line_item_availability_zone',
  'line_item_line_item_description', 'line_item_usage_type',
];
const AMOUNTS = [
  'line_item_usage_amount', 'line_item_unblended_cost', 'line_item_net_unblended_cost', 'pricing_public_on_demand_cost', 'reservation_effective_cost',
  'reservation_unused_amortized_upfront_fee_for_billing_period', 'reservation_unused_recurring_fee', 'savings_plan_savings_plan_effective_cost',
  'savings_plan_total_commitment_to_date', 'savings_plan_used_commitment',
];

/**
 * DuckDB alone, aggregating the columns of a CUR 2.0 parquet file that the product reads, in floating point, with its
 * default settings. No rule, no check, no exact decimal: the least that anyone does with these columns.
 */
export const prepare: Prepare<{ path: string }> = async ({ path }) => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const columns = [
    ...KEYS, ...LOOKED_AT.map((column) => `any_value(${column}) AS ${column}`), 'min(line_item_usage_start_date) AS first_seen',
    'max(line_item_usage_end_date) AS last_seen', 'count(*) AS rows', ...AMOUNTS.map((column) => `sum(${column}) AS ${column}`),
  ];
  return {
    async run() {
      await connection.run(`CREATE TEMP TABLE costs AS SELECT ${columns.join(', ')} FROM read_parquet('${path.replaceAll("'", "''")}') GROUP BY ALL`);
    },
    async finish() {
      const reader = await connection.runAndReadAll('SELECT sum(rows)::DOUBLE AS rows, sum(line_item_unblended_cost) AS billed FROM costs');
      connection.closeSync();
      instance.closeSync();
      const [rows, billed] = reader.getRows()[0] ?? [];
      return { rows, billed };
    },
  };
};
