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

export class People {
  readonly work = new Work();
  handle = $state('');
  found: UserName | null = $state.raw(null);
  link: ResetLink | null = $state.raw(null);
  /** What was done, in a sentence. */
  done = $state('');

  constructor(private readonly chat: Chat) {}

  find(): Promise<boolean> {
    Object.assign(this, { found: null, link: null, done: '' });
    return this.work.run(async () => {
      this.found = await find(this.chat.rest, this.handle);
    });
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
    if (isDone) this.done = text.people.given(user.display_name, text.people.ranks[rank]);
  }

  /** There is always an owner: the last one gives the installation to another first. */
  giveUp(): Promise<void> {
    return this.chat.account.setRank(this.chat.me.id, 'member').catch((error: unknown) => {
      throw error instanceof Refused && error.code === 'forbidden' ? new Unusable(text.people.lastOwner) : error;
    });
  }
}
