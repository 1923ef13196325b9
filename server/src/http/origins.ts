// Origins: whose pages may call us. A list, never an echo; no Origin is no browser, and no cookie authenticates here.

export interface OriginRule {
  /** Listed, or the page's own host: the same rule as for sockets. An absent Origin is not asked here. */
  allows(origin: string, host: string | undefined): boolean;
}

export function originRule(origins: readonly string[]): OriginRule {
  const listed = new Set(origins.map((origin) => origin.toLowerCase()));
  return {
    allows(origin, host) {
      if (listed.has(origin)) return true;
      return host !== undefined && host !== '' && (origin === `http://${host}` || origin === `https://${host}`);
    },
  };
}
