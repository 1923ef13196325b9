import { expect, test } from 'vitest';
import { addressBlock, peerAddress } from '../src/peer-address.ts';

// uWS writes IPv6 in full, and IPv4 that way too on a dual-stack listener.
test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
  ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
  ['2001:0DB8:0000:0000:0000:0000:0000:000A', '2001:db8::a'],
  ['', 'unknown'],
])('WIRE-11 the socket address %s is %s', (written, address) => {
  expect(peerAddress(written, null, 0)).toBe(address);
});

test.each([
  ['1.2.3.4', '5.6.7.8', 1, '5.6.7.8'],
  ['1.2.3.4', ' 9.9.9.9 ,5.6.7.8', 1, '5.6.7.8'],
  ['1.2.3.4', '9.9.9.9, 5.6.7.8', 2, '9.9.9.9'],
  ['1.2.3.4', '5.6.7.8', 2, '1.2.3.4'],
  ['1.2.3.4', '5.6.7.8', 0, '1.2.3.4'],
  ['1.2.3.4', '5.6.7.8:1234', 1, '1.2.3.4'],
  ['1.2.3.4', 'fe80::1%eth0', 1, '1.2.3.4'],
  ['1.2.3.4', '<script>', 1, '1.2.3.4'],
  ['1.2.3.4', '', 1, '1.2.3.4'],
  ['1.2.3.4', null, 1, '1.2.3.4'],
])('WIRE-11 from %s with X-Forwarded-For %o behind %i proxies', (socket, header, hops, address) => {
  expect(peerAddress(socket, header, hops)).toBe(address);
});

test('WIRE-11 one subscriber is one block: an IPv4 address, a /64 of IPv6', () => {
  expect(addressBlock('1.2.3.4')).toBe('1.2.3.4');
  expect(addressBlock('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(addressBlock('2001:db8:1:2::9')).toBe(addressBlock('2001:db8:1:2:ffff:ffff:ffff:ffff'));
  expect(addressBlock('2001:db8:1:3::9')).not.toBe(addressBlock('2001:db8:1:2::9'));
  expect(addressBlock('::1')).toBe('0:0:0:0::/64');
  expect(addressBlock('unknown')).toBe('unknown');
});
