import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** Which addresses messages may go to: public ones, and networks that the operator names. */
export interface AddressRule {
  allows(address: string): boolean;
}

/** Global unicast: what is outside of it is no public IPv6 address, whatever it is called. RFC 4291, section 2.4. */
const GLOBAL_UNICAST: Network = [ipaddr.parse('2000::'), 3];

/**
 * Public means globally routable unicast: neither private, loopback, link-local, shared (CGNAT), unique local, multicast,
 * reserved nor a tunnel or translation of another address. An IPv4 address mapped into IPv6 counts as the IPv4 address.
 *
 * @param networks CIDR, for example `10.20.0.0/16`. Throws for one that is none.
 */
export function addressRule(networks: readonly string[]): AddressRule {
  const allowed = networks.map((network) => ipaddr.parseCIDR(network));
  return {
    allows(text) {
      if (!ipaddr.isValid(text)) return false;
      const address = ipaddr.process(text);
      if (allowed.some((network) => within(address, network))) return true;
      return address.range() === 'unicast' && (address.kind() === 'ipv4' || within(address, GLOBAL_UNICAST));
    },
  };
}

function within(address: Address, network: Network): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}
