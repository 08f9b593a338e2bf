import type { BrowserContextOptions } from '@playwright/test';
import { type Person, WITHOUT_SERVER } from './journey';

type Arrive = (options?: BrowserContextOptions) => Promise<Person>;

/** Ann owns the installation and Bea is there too, each at a browser of their own, both in `general`. */
export async function annAndBea(arrive: Arrive): Promise<[ann: Person, bea: Person]> {
  const [ann, bea] = [await arrive(), await arrive()];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  return [ann, bea];
}

/** The same, and the server will go away. */
export async function annAndBeaAlone(arrive: Arrive): Promise<[ann: Person, bea: Person]> {
  const people = await annAndBea(arrive);
  for (const person of people) person.excuse(WITHOUT_SERVER);
  return people;
}
