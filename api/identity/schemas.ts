import { ACTIVATION_STATES } from '../../domain/identity/activation.ts';
import { ACCOUNT_CATEGORIES, COLOR_SCHEMES } from '../../domain/identity/profile.ts';
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../../domain/identity/user.ts';
import { TOKEN_SCOPES } from '../../domain/identity/token-scope.ts';
import { ORGANIZATION_ROLES } from '../../domain/organizations/role.ts';
import { PROJECT_ROLES, PROJECT_STATES } from '../../domain/projects/project.ts';
import { instant } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';

export const email = z.email({ error: 'must be an e-mail address, like ada@example.org' }).max(254);
/** An address that is only looked up: also one that no mail reaches, like the first administrator's. */
export const knownEmail = z.string().trim().min(1).max(254);
export const displayName = z.string().trim().min(1).max(200);
export const newPassword = z
  .string()
  .min(SHORTEST_PASSWORD, { error: `must have at least ${SHORTEST_PASSWORD} characters` })
  .max(LONGEST_PASSWORD, { error: `must have at most ${LONGEST_PASSWORD} characters` });

export const userBody = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    display_name: z.string(),
    platform_administrator: z.boolean(),
    disabled_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('User');

/** The secret of a letter's link. What has another form is no such secret: it is answered as an unknown one is. */
export const letterSecret = z.string().min(1).max(200);

const passwordExpiresAt = instant.nullable().openapi({ description: 'When a first password, which an administrator was shown, ceases to serve; null for one’s own.' });

export const sessionBody = z.strictObject({ user: userBody, expires_at: instant, password_expires_at: passwordExpiresAt }).openapi('Session');

export const activationBody = z
  .strictObject({ state: z.enum(ACTIVATION_STATES), requested_at: instant.nullable(), activated_at: instant.nullable() })
  .openapi('Activation');

const profileBody = z
  .strictObject({
    category: z.enum(ACCOUNT_CATEGORIES),
    first_name: z.string(),
    last_name: z.string(),
    address: z.string(),
    phone: z.string(),
    language: z.string().nullable(),
    color_scheme: z.enum(COLOR_SCHEMES),
  })
  .openapi('Profile');

export const meBody = z
  .strictObject({
    user: userBody,
    profile: profileBody,
    activation: activationBody,
    password_expires_at: passwordExpiresAt,
    sign_in_methods: z.strictObject({
      password: z.boolean(),
      oidc: z.array(z.strictObject({ issuer: z.string(), since: instant, last_login_at: instant })),
    }),
    credential: z.strictObject({
      kind: z.enum(['session', 'token']),
      scopes: z.array(z.enum(TOKEN_SCOPES)).nullable().openapi({ description: 'Of a token; null for a session, which may do all its owner may.' }),
      organization_id: z.string().nullable().openapi({ description: 'The one organization a token reaches; null for all of its owner.' }),
    }),
    organizations: z.array(z.strictObject({ id: z.string(), name: z.string(), role: z.enum(ORGANIZATION_ROLES).nullable() })),
    projects: z
      .array(z.strictObject({ id: z.string(), organization_id: z.string(), code: z.string(), name: z.string(), state: z.enum(PROJECT_STATES), role: z.enum(PROJECT_ROLES) }))
      .openapi({ description: 'Those one is in that have not ended; their ids go into Orrery-Project.' }),
  })
  .openapi('Me');

export const tokenBody = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(TOKEN_SCOPES)),
    organization_id: z.string().nullable(),
    created_at: instant,
    expires_at: instant.nullable(),
    revoked_at: instant.nullable(),
    last_used_at: instant.nullable(),
  })
  .openapi('Token');
