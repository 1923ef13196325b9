// Who is at the other end, when anybody can write any header.

import { isIPv4, isIPv6 } from 'node:net';

/**
 * The address a request comes from. `X-Forwarded-For` counts only as far as our own proxies wrote it: with
 * `trustedHops` proxies in front, the entry that the outermost of them appended. Without proxies, or when the header is
 * shorter or holds no address there, it is the socket's.
 */
export function peerAddress(socketAddress: string, forwardedFor: string | null, trustedHops: number): string {
  if (trustedHops > 0 && forwardedFor) {
    const hops = forwardedFor.split(',');
    const claimed = canonicalAddress(hops[hops.length - trustedHops]?.trim() ?? '');
    if (claimed) return claimed;
  }
  return canonicalAddress(socketAddress) ?? 'unknown';
}

/** What one subscriber is given by a provider, as a key for limits: an IPv4 address, a /64 of IPv6. */
export function addressBlock(address: string): string {
  if (!isIPv6(address)) return address;
  return `${expand(address).slice(0, 4).join(':')}::/64`;
}

/** Shortest form; IPv4 in IPv6 clothes (a dual-stack listener) becomes IPv4. Undefined when it is no address. */
function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const groups = expand(text);
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff') {
    const [high, low] = [Number.parseInt(groups[6] ?? '0', 16), Number.parseInt(groups[7] ?? '0', 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return shorten(text);
}

/** The URL parser knows every way to write an IPv6 address, and its shortest. */
const shorten = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);

/** Eight groups without leading zeros. */
function expand(address: string): string[] {
  const [head = '', tail] = shorten(address).split('::');
  const start = head === '' ? [] : head.split(':');
  const end = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - start.length - end.length).fill('0');
  return [...start, ...zeros, ...end];
}
