// Money is integer paise everywhere; this is the only place where it becomes words.

const RUPEES = new Intl.NumberFormat('en-IN');

/** `12345` -> `₹123.45`, `-50` -> `-₹0.50`; whole rupees lose the decimals. The same text as the server's. */
export function formatPaise(paise: number): string {
  const sign = paise < 0 ? '-' : '';
  const rupees = RUPEES.format(Math.trunc(Math.abs(paise) / 100));
  const rest = Math.abs(paise % 100);
  return rest === 0 ? `${sign}₹${rupees}` : `${sign}₹${rupees}.${String(rest).padStart(2, '0')}`;
}
