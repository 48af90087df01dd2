import { invalidField } from '../../domain/shared/errors.ts';
import type { WebhookTargets } from '../../domain/webhooks/ports.ts';
import { addressRule, type AddressRule } from './receiver-address.ts';

export interface WebhookTargetSettings {
  /** Whether plain http is allowed beside https. */
  allowHttp: boolean;
  /** CIDR: networks that are allowed beside public addresses. */
  allowedNetworks: readonly string[];
}

/** The rule for URLs, as far as they tell without DNS. */
export function createWebhookTargets({ allowHttp, allowedNetworks }: WebhookTargetSettings): WebhookTargets {
  const rule = addressRule(allowedNetworks);
  return {
    requireAllowed(text) {
      const refuse = (problem: string): Error => invalidField('webhooks.url-refused', 'url', problem);
      const url = URL.parse(text);
      if (url === null) throw refuse('is no URL; give one like https://hooks.example.org/orrery');
      if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) throw refuse(allowHttp ? 'must begin with https:// or http://' : 'must begin with https://');
      if (url.username !== '' || url.password !== '') throw refuse('must not hold a user or password; put them into a header');
      if (url.hash !== '') throw refuse('must not have a fragment, which is never sent');
      if (refusedLiteral(url, rule) !== null) throw refuse('names an address that is not public; the operator may allow its network with ORRERY_WEBHOOK_NETWORKS');
    },
  };
}

/** The URL's host when that is an address the rule refuses; null when it is a name or an allowed address. */
export function refusedLiteral(url: URL, rule: AddressRule): string | null {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const literal = host.includes(':') || /^\d+(\.\d+){3}$/.test(host);
  return literal && !rule.allows(host) ? host : null;
}
