// What was asked for when a hold was ordered in this tab: asked again, also after a reload, it is the same order.

import type { Contact } from '@housefull/client';
import { inTab, jsonOf } from './kept.ts';

export interface WantedOrder {
  readonly key: string;
  readonly contact: Contact;
}

const orderName = (holdId: string): string => `housefull.order.${holdId}`;

export function keptOrder(holdId: string): WantedOrder | undefined {
  const kept = jsonOf(inTab.get(orderName(holdId))) as Partial<WantedOrder> | null | undefined;
  if (typeof kept?.key !== 'string' || typeof kept.contact !== 'object') return undefined;
  return { key: kept.key, contact: kept.contact };
}

export function keepOrder(holdId: string, wanted: WantedOrder | undefined): void {
  if (wanted === undefined) inTab.remove(orderName(holdId));
  else inTab.set(orderName(holdId), JSON.stringify(wanted));
}
