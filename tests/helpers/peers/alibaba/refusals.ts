/** A call that is refused as a whole. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
  /** What the body has besides. */
  more?: object;
}

export function refusal(status: number, code: string, message: string): Refusal {
  return { status, code, message };
}

/** RAM's refusal, with the action it looked for. */
export function ramRefusal(action: string, accountId: string, userName: string): Refusal {
  return {
    ...refusal(403, 'Forbidden.RAM', "User not authorized to operate on the specified resource, or this API doesn't support RAM."),
    more: {
      AccessDeniedDetail: {
        PolicyType: 'AccountLevelIdentityBasedPolicy',
        AuthPrincipalOwnerId: accountId,
        AuthPrincipalType: 'SubUser',
        AuthPrincipalDisplayName: userName,
        NoPermissionType: 'ImplicitDeny',
        AuthAction: action,
        EncodedDiagnosticMessage: 'AQIBIAAAAOPdwKY2QLOvgMEc7SkkoJfj1kvZwsaRqNYMh10Tv0wTe0fCzaCdrvgazfNb0EnJKETg',
      },
    },
  };
}
