/** TypeID prefixes of everything that has an id. https://github.com/jetify-com/typeid */
export const ID_PREFIXES = {
  organization: 'org',
  user: 'usr',
  mailbox: 'mbx',
  session: 'ses',
  invitation: 'inv',
  'api-token': 'tok',
  'ledger-entry': 'evt',
  operation: 'op',
  'pending-secret': 'sec',
  'credential-check': 'chk',
  'data-source': 'ds',
  discovery: 'dsc',
  'billing-import': 'imp',
  'billing-generation': 'gen',
  resource: 'res',
  'power-schedule': 'psc',
  pool: 'pool',
  environment: 'env',
  'property-change': 'epc',
  'ssh-key': 'ssh',
  'calendar-feed': 'ics',
  booking: 'bkg',
  'booking-series': 'bks',
  'waitlist-entry': 'wle',
  webhook: 'whk',
  'webhook-delivery': 'whd',
  mail: 'mail',
  calendar: 'cal',
  project: 'prj',
  'project-purpose': 'ppu',
  application: 'app',
  'quota-allocation': 'qal',
  'power-claim': 'pcl',
  'power-run': 'run',
  'sandbox-instance': 'sbi',
  'sandbox-scaling-group': 'sbg',
  'sandbox-fault': 'sbf',
  'sandbox-calendar-event': 'sbe',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Whether `value` has the form of an id of this kind. Says nothing about existence. */
export function isIdOf(kind: IdKind, value: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`;
  return value.startsWith(prefix) && SUFFIX.test(value.slice(prefix.length));
}
