// Under which addresses other machines of this network reach this one.

import { hostname, networkInterfaces } from 'node:os';
import type { NetworkInterfaceInfo } from 'node:os';

export interface LanAddress {
  readonly address: string;
  /** As the operating system calls it, such as `wlan0`. */
  readonly interface: string;
}

/**
 * The IPv4 addresses that others of this network can open, the likeliest first: private ones before public ones, real interfaces before
 * those of virtual machines and containers. IPv6 is left out: nobody types such an address from a wall.
 */
export function lanAddresses(
  interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly LanAddress[] {
  return Object.entries(interfaces)
    .flatMap(([name, infos]) =>
      (infos ?? [])
        .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !isLinkLocal(address))
        .map(({ address }) => ({ address, interface: name })),
    )
    .sort((a, b) => unlikeliness(a) - unlikeliness(b));
}

/** What an interface gives itself when nobody gives it an address (RFC 3927): nothing is reached over it. */
const isLinkLocal = (address: string): boolean => address.startsWith('169.254.');
/** The address blocks of RFC 1918. */
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/;
const VIRTUAL = /^(docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|zt|tailscale|wg)/i;

const unlikeliness = (lan: LanAddress): number =>
  (VIRTUAL.test(lan.interface) ? 2 : 0) + (PRIVATE.test(lan.address) ? 0 : 1);

/** This machine's names: as it calls itself, and as networks with multicast DNS call it. */
export function machineNames(name = hostname()): readonly string[] {
  const plain = /^[a-z\d-]+(\.[a-z\d-]+)*$/i.test(name) ? name.toLowerCase() : undefined;
  if (plain === undefined || plain === 'localhost') return [];
  return plain.includes('.') ? [plain] : [plain, `${plain}.local`];
}
