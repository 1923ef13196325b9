// Routes live behind the #, so that the server has to know one path only.

import { signal } from '@preact/signals';

export type Route =
  | { readonly page: 'movies' }
  | { readonly page: 'show'; readonly showId: string }
  | { readonly page: 'bookings' }
  | { readonly page: 'booking'; readonly bookingId: string }
  | { readonly page: 'manage'; readonly theaterId: string | undefined };

export function parseRoute(hash: string): Route {
  const [page = '', id = ''] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (page === 'shows' && id !== '') return { page: 'show', showId: id };
  if (page === 'bookings') return id === '' ? { page: 'bookings' } : { page: 'booking', bookingId: id };
  if (page === 'manage') return { page: 'manage', theaterId: id === '' ? undefined : id };
  return { page: 'movies' };
}

export const hrefOf = (route: Route): string => {
  switch (route.page) {
    case 'movies':
      return '#/';
    case 'show':
      return `#/shows/${encodeURIComponent(route.showId)}`;
    case 'bookings':
      return '#/bookings';
    case 'booking':
      return `#/bookings/${encodeURIComponent(route.bookingId)}`;
    case 'manage':
      return route.theaterId === undefined ? '#/manage' : `#/manage/${encodeURIComponent(route.theaterId)}`;
  }
};

export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

export function go(to: Route): void {
  location.hash = hrefOf(to);
}

export function watchRoute(): void {
  addEventListener('hashchange', () => {
    route.value = parseRoute(location.hash);
    scrollTo(0, 0);
  });
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
