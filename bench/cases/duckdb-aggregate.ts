import { DuckDBInstance } from '@duckdb/node-api';
import type { Prepare } from '../case.ts';

/** DuckDB alone, grouping a CUR 2.0 parquet file by what the product keeps, in floating point, with its default settings. */
export const prepare: Prepare<{ path: string }> = async ({ path }) => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  return {
    async run() {
      await connection.run(`
        CREATE TEMP TABLE costs AS
        SELECT line_item_usage_account_id, line_item_resource_id, CAST(line_item_usage_start_date AS DATE) AS charge_date,
          line_item_line_item_type, line_item_product_code, product['product_name'] AS service, product_region_code, pricing_unit,
          line_item_currency_code, any_value(resource_tags) AS tags, max(line_item_usage_end_date) AS last_seen, count(*) AS rows,
          sum(line_item_usage_amount) AS usage, sum(line_item_unblended_cost) AS unblended, sum(pricing_public_on_demand_cost) AS list,
          sum(reservation_effective_cost) AS reservation, sum(savings_plan_savings_plan_effective_cost) AS plan,
          sum(savings_plan_total_commitment_to_date - savings_plan_used_commitment) AS unused
        FROM read_parquet('${path.replaceAll("'", "''")}') GROUP BY ALL`);
    },
    async finish() {
      const reader = await connection.runAndReadAll('SELECT sum(rows)::DOUBLE AS rows, sum(unblended) AS billed FROM costs');
      connection.closeSync();
      instance.closeSync();
      const [rows, billed] = reader.getRows()[0] ?? [];
      return { rows, billed };
    },
  };
};
