import { mailboxRoutes } from './mailbox-routes.ts';
import { meRoutes } from './me-routes.ts';
import { oidcRoutes } from './oidc-routes.ts';
import { passwordRoutes } from './password-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { sshKeyRoutes } from './ssh-key-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { userRoutes } from './user-routes.ts';

export const identityRoutes = [...sessionRoutes, ...meRoutes, ...passwordRoutes, ...mailboxRoutes, ...oidcRoutes, ...tokenRoutes, ...userRoutes, ...sshKeyRoutes];
