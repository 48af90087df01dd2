import { ALLOCATION_STATES } from '../../domain/quotas/allocation.ts';
import { instant } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';

const TEXT = 'Exact decimal text.';
const decimal = z.string().openapi({ description: TEXT, pattern: String.raw`^-?\d+(\.\d+)?$` });

/** Amounts from a caller: the domain says what is wrong with each. */
const amountInput = z.string().max(200).openapi({ description: 'Decimal text like "0.625", zero or more, at most 6 decimals.', pattern: String.raw`^\d{1,9}(\.\d{1,6})?$` });

export const exactBody = z.strictObject({ gpu: decimal, cpu: decimal, ram_gib: decimal }).openapi('ExactAmounts');
export const limitsBody = z
  .strictObject({ gpu: decimal.nullable(), cpu: decimal.nullable(), ram_gib: decimal.nullable() })
  .openapi('QuotaLimits', { description: 'GPUs, CPUs and GiB of RAM; null where nothing limits them.' });

const priceInput = z.string().max(40).openapi({ description: 'Decimal text, zero or more.' });

export const pricesBody = z
  .strictObject({ currency: z.string().max(10).openapi({ description: 'ISO 4217.' }), gpu_hour: priceInput, cpu_hour: priceInput, ram_gib_hour: priceInput })
  .openapi('QuotaPrices');

export const capacityInput = z
  .strictObject({
    gpu: amountInput.nullable(),
    cpu: amountInput.nullable(),
    ram_gib: amountInput.nullable(),
    prices: pricesBody.nullable().openapi({ description: 'What an hour of one of each costs; null for unknown.' }),
  })
  .openapi('QuotaCapacityWish', { description: 'Replaces what was stated before. Null for unlimited.' });

export const capacityBody = z
  .strictObject({ ...limitsBody.shape, prices: pricesBody.nullable() })
  .openapi('QuotaCapacity', { description: 'What the organization has to share out among its projects.' });

export const projectQuotaBody = z
  .strictObject({
    project_id: z.string(),
    quota: limitsBody,
    used: exactBody,
    held: exactBody,
    free: limitsBody,
    since: instant,
    until: instant.openapi({ description: 'End of the project and its buffer as planned, not included. It counts until it is released.' }),
    released_at: instant.nullable(),
    allocations: z
      .array(
        z.strictObject({
          id: z.string(),
          owner: z.strictObject({ kind: z.string(), id: z.string() }).openapi({ description: 'What takes it.' }),
          user: z.strictObject({ id: z.string(), display_name: z.string() }).openapi({ description: 'For whom.' }),
          state: z.enum(ALLOCATION_STATES).exclude(['released']),
          ...exactBody.shape,
          expires_at: instant.nullable().openapi({ description: 'Of a hold: when it ends unless it is used or renewed.' }),
          created_at: instant,
        }),
      )
      .openapi({ description: 'Who has what of it, the oldest first.' }),
  })
  .openapi('ProjectQuota');

export const planBody = z
  .strictObject({
    from: instant,
    to: instant,
    capacity: limitsBody,
    grants: z
      .array(
        z.strictObject({
          project: z.strictObject({ id: z.string(), name: z.string() }).nullable().openapi({ description: 'Null for a project that you are not in, unless you manage the organization.' }),
          quota: limitsBody,
          since: instant,
          until: instant.openapi({ description: 'When it counts as over: as planned, or when it was released; for one that outlived its plan, tomorrow.' }),
          overran: z.boolean(),
          released: z.boolean(),
        }),
      )
      .openapi({ description: 'Who has what when, by their beginning.' }),
    steps: z
      .array(z.strictObject({ from: instant, to: instant, granted: exactBody, free: limitsBody }))
      .openapi({ description: 'The window without gaps, cut where somebody begins or ends. Free is negative where somebody overran and nobody has started in its place.' }),
  })
  .openapi('QuotaPlan');
