/** What a member may do in an organization, from most to least. Each role may do what those after it may. */
export const ORGANIZATION_ROLES = ['manager', 'engineer', 'member'] as const;
export type OrganizationRole = (typeof ORGANIZATION_ROLES)[number];

/** Whether someone who has `held` may do what asks for `needed`. */
export function roleSuffices(held: OrganizationRole, needed: OrganizationRole): boolean {
  return ORGANIZATION_ROLES.indexOf(held) <= ORGANIZATION_ROLES.indexOf(needed);
}
