import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { roleOf, unauthenticated } from '../shared/authorize.ts';
import type { RequestContext } from '../shared/operation.ts';

/** Who asks, with the role that they have in the organization of the request. */
export async function bookerOf({ deps, caller, organizationId }: Pick<RequestContext, 'deps' | 'caller' | 'organizationId'>): Promise<Booker> {
  const role = caller === null ? null : await roleOf(deps, caller, organizationId);
  if (caller === null || role === null) throw unauthenticated();
  return { userId: caller.userId, role };
}
