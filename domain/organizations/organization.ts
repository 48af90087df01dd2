import type { Instant } from '../shared/time.ts';
import type { OrganizationRole } from './role.ts';

export interface Organization {
  id: string;
  name: string;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

/** A person in an organization. */
export interface Membership {
  organizationId: string;
  userId: string;
  role: OrganizationRole;
  version: number;
  createdAt: Instant;
}
