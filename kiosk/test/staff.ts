// People of the theater in a running house: registered as anybody is, and given their role in the database.

import type { Identity, Role } from '@housefull/client';
import { query } from '../../server/test/process/audit.ts';
import type { House } from '../../server/test/process/house.ts';

export const PASSWORD = 'correct horse battery';

/** Their email is their role's. */
export async function staffToken(house: House, role: Role): Promise<Identity> {
  const email = `${role}@example.in`;
  const ask = async (path: string, body: object): Promise<Identity> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${house.baseUrl}/api/users/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Identity;
  };
  await ask('register', { email, password: PASSWORD, name: role });
  await query(house, 'update users set role = $1 where email = $2', [role, email]);
  return ask('login', { email, password: PASSWORD });
}
