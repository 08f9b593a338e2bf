/** What the owner and the admins of the installation may do for somebody, or about them. */
import { Refused } from '../../api/rest';
import type { ResetLink, UserName } from '../../api/types';
import type { Chat } from '../../chat.svelte';
import { text } from '../../text';
import { find } from '../handle';
import { addressesOf, under } from '../invite/address';
import { Unusable, Work } from '../work.svelte';

export const ranks = ['member', 'admin', 'owner'] as const;
export type Rank = (typeof ranks)[number];

/** What a rank is called, also one that is newer than this page. */
export function rankName(rank: string | undefined): string {
  const known = ranks.find((it) => it === rank);
  return known ? text.people.ranks[known] : (rank ?? '');
}

export class People {
  readonly work = new Work();
  readonly listing = new Work();
  /** Who looks after the installation, owners first. */
  governors: UserName[] = $state.raw([]);
  /** The list has come, or will not: what stands below it has its place. */
  isListed = $state(false);
  handle = $state('');
  found: UserName | null = $state.raw(null);
  link: ResetLink | null = $state.raw(null);
  /** What was done, in a sentence. */
  done = $state('');

  constructor(private readonly chat: Chat) {}

  async list(): Promise<void> {
    await this.listing.run(async () => void (this.governors = await this.chat.account.ranked()));
    this.isListed = true;
  }

  find(): Promise<boolean> {
    Object.assign(this, { found: null, link: null, done: '' });
    return this.work.run(async () => {
      this.found = await find(this.chat.rest, this.handle);
    });
  }

  /** One of the list, as if looked up. */
  look(user: UserName): void {
    Object.assign(this, { found: user, handle: user.handle, link: null, done: '' });
  }

  /** A link with which they set a new password, under an address that they reach. */
  reset({ id }: UserName): Promise<boolean> {
    return this.work.run(async () => {
      const { link, expires_at_ms } = await this.chat.account.reset(id);
      const [address = location.origin] = await addressesOf(this.chat.account);
      this.link = { link: under(address, link), expires_at_ms };
    });
  }

  async give(user: UserName, rank: Rank): Promise<void> {
    const isDone = await this.work.run(() => this.chat.account.setRank(user.id, rank));
    if (!isDone) return;
    this.done = text.people.given(user.display_name, text.people.ranks[rank]);
    await this.list();
  }

  /** There is always an owner: the last one gives the installation to another first. */
  giveUp(): Promise<void> {
    return this.chat.account.setRank(this.chat.me.id, 'member').catch((error: unknown) => {
      throw error instanceof Refused && error.code === 'forbidden' ? new Unusable(text.people.lastOwner) : error;
    });
  }
}
