/** What one may do about oneself and the installation. Each fails as [`Rest`] does. */
import type { Rest } from '../api/rest';
import type { Invite, InviteCreate, Me, MePatch, ResetLink, Session, UserName } from '../api/types';

export class Account {
  constructor(
    private readonly rest: Rest,
    private readonly learn: (me: Me) => void,
  ) {}

  /** Name and colour, as all see them from now on. */
  async patch(patch: MePatch): Promise<Me> {
    const me = await this.rest.patchMe(patch);
    this.learn(me);
    return me;
  }

  /** Asks how I am by now. */
  async renew(): Promise<void> {
    this.learn(await this.rest.me());
  }

  /** All other sessions end. */
  changePassword(old: string, next: string): Promise<void> {
    return this.rest.changePassword({ old, new: next });
  }

  /** Where this account is signed in. */
  async sessions(): Promise<Session[]> {
    return (await this.rest.sessions()).sessions;
  }

  endSession(id: string): Promise<void> {
    return this.rest.endSession(id);
  }

  /** The open invites to the installation; for its owner and admins. */
  async invites(): Promise<Invite[]> {
    return (await this.rest.invites()).invites;
  }

  invite(invite: InviteCreate = {}): Promise<Invite> {
    return this.rest.invite(invite);
  }

  withdraw(code: string): Promise<void> {
    return this.rest.withdraw(code);
  }

  /** A link with which somebody sets a new password; for the owner and the admins. */
  reset(user: string): Promise<ResetLink> {
    return this.rest.resetOf(user);
  }

  /** Who governs the installation, owners first; for those who do. */
  ranked(): Promise<UserName[]> {
    return this.rest.ranked();
  }

  /** In the installation; for its owner. What one gives oneself, one has at once. */
  async setRank(user: string, rank: string): Promise<void> {
    await this.rest.putRank(user, { rank });
    if (user === this.rest.userId) await this.renew();
  }

  /** Where others reach this server, the best first; none where it listens on this machine alone. */
  async addresses(): Promise<string[]> {
    return (await this.rest.addresses()).urls;
  }

  /** All that is kept of me, as a file to be saved. */
  export(): Promise<Blob> {
    return this.rest.export();
  }
}
