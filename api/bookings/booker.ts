import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { requireCaller } from '../shared/authorize.ts';
import type { RequestContext } from '../shared/operation.ts';

/** Who asks, with the role that they have in the organization of the request. */
export function bookerOf({ caller, role }: Pick<RequestContext, 'caller' | 'role'>): Booker {
  return { userId: requireCaller(caller).userId, role };
}
