// The contact form: the contract's rules in words. The server checks again.

import type { Contact } from '@housefull/client';

export type ContactRead =
  | { readonly ok: true; readonly contact: Contact }
  | { readonly ok: false; readonly text: string };

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/;
const PHONE = /^\+?[0-9]{8,15}$/;

export function contactOf(form: Pick<FormData, 'get'>): ContactRead {
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  const name = text('name');
  const email = text('email');
  const phone = text('phone').replace(/[\s()-]/g, '');
  if (email === '' && phone === '') return { ok: false, text: 'Please give an email or a phone number.' };
  if (email !== '' && !EMAIL.test(email)) return { ok: false, text: 'This email does not look right.' };
  if (phone !== '' && !PHONE.test(phone)) return { ok: false, text: 'A phone number has 8 to 15 digits.' };
  return {
    ok: true,
    contact: {
      ...(name === '' ? {} : { name }),
      ...(email === '' ? {} : { email }),
      ...(phone === '' ? {} : { phone }),
    },
  };
}
