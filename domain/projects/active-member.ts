declare const asked: unique symbol;

/**
 * Somebody who may use a project now: what `requireActiveMember` of commands/projects/port.ts answers, and nothing else makes.
 * It holds in the transaction in which that was asked: until its end the project does not leave its state.
 */
export interface ActiveMember {
  readonly organizationId: string;
  readonly projectId: string;
  readonly userId: string;
  readonly [asked]: true;
}
