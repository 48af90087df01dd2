import { sessionRoutes } from './session-routes.ts';
import { sshKeyRoutes } from './ssh-key-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { userRoutes } from './user-routes.ts';

export const identityRoutes = [...sessionRoutes, ...tokenRoutes, ...userRoutes, ...sshKeyRoutes];
