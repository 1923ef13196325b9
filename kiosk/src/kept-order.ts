// What was asked for when a hold was ordered in this tab: asked again, also after a reload, it is the same order.

import type { Contact } from '@housefull/client';

export interface WantedOrder {
  readonly key: string;
  readonly contact: Contact;
}

const orderName = (holdId: string): string => `housefull.order.${holdId}`;

export function keptOrder(holdId: string): WantedOrder | undefined {
  const kept = sessionStorage.getItem(orderName(holdId));
  return kept === null ? undefined : (JSON.parse(kept) as WantedOrder);
}

export function keepOrder(holdId: string, wanted: WantedOrder | undefined): void {
  if (wanted === undefined) sessionStorage.removeItem(orderName(holdId));
  else sessionStorage.setItem(orderName(holdId), JSON.stringify(wanted));
}
