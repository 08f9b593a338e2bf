/** Who is signed in, and what is therefore shown. */
import { Rest, SignedOut, Unreachable } from './api/rest';
import type { Installation, Me } from './api/types';
import { Chat, type SignedOutBy } from './chat.svelte';
import { Update } from './worker/update.svelte';

/** Between tries to reach a server that did not answer when the page was opened. */
const RETRY_AFTER_MS = 3_000;

/** Says who signed in here, so that what is kept of them is shown at once, and a stranger's first look asks for no session. */
const SIGNED_IN = 'chinwag.signed_in';

/** What a link to this page can carry. Behind `#`, so that it never reaches a server's log. */
export type Invitation = { invite: string } | { reset: string } | null;

export class App {
  readonly rest = new Rest();
  /** A newer version of this page, which waits to be asked for. */
  readonly update = new Update();
  phase: 'starting' | 'unreachable' | 'account' | 'chat' = $state('starting');
  chat: Chat | null = $state.raw(null);
  installation: Installation | null = $state(null);
  invitation: Invitation = $state(null);
  signOutFailed = $state(false);

  async start(): Promise<void> {
    this.invitation = invitationOf(location.hash);
    // A secret does not stay in the address bar, nor in the history.
    if (this.invitation) history.replaceState(null, '', location.pathname);
    await this.#enter();
    void this.update.start();
  }

  async entered(me: Me): Promise<void> {
    hint(me.id);
    this.#show(await Chat.open(this.rest, me, this.#signedOut));
    // Not sooner: until the chat is there the form is seen, which says that one was invited.
    this.invitation = null;
  }

  async signOut(): Promise<void> {
    this.signOutFailed = false;
    try {
      await this.rest.logout();
    } catch (error) {
      if (!(error instanceof SignedOut)) {
        this.signOutFailed = true;
        return;
      }
    }
    await this.#forget();
  }

  /** Fails as [`Rest`] does, and then nothing is deleted. */
  async deleteAccount(password: string): Promise<void> {
    await this.rest.deleteMe(password);
    await this.#forget();
  }

  /** What may be done without an account. */
  async loadInstallation(): Promise<void> {
    this.installation = await this.rest.installation();
  }

  async #enter(): Promise<void> {
    try {
      if (this.invitation && 'reset' in this.invitation) await this.#leave();
      else if (!(await this.#enterKept())) await this.#enterNew();
    } catch (error) {
      if (error instanceof SignedOut) await this.#leave();
      else this.#retry(() => void this.#enter());
    }
  }

  /** Shows what is kept, before anybody is asked whether the session still lasts. */
  async #enterKept(): Promise<boolean> {
    const userId = hinted();
    // The token is fetched while the storage is opened; the link asks again for it, and says what is wrong.
    if (userId) this.rest.refresh().catch(() => {});
    const chat = userId ? await Chat.open(this.rest, userId, this.#signedOut) : null;
    if (chat) this.#show(chat);
    return chat !== null;
  }

  async #enterNew(): Promise<void> {
    if (hinted() === null) await this.#leave();
    else await this.entered(await this.rest.refresh());
  }

  #show(chat: Chat | null): void {
    this.chat = chat;
    chat?.start();
    this.phase = 'chat';
  }

  readonly #signedOut: SignedOutBy = (by) => void this.#ended(by);

  /** The session is over. What was not sent waits, in case it is the same person who comes back. */
  async #ended(by: 'server' | 'tab'): Promise<void> {
    const { chat } = this;
    if (!chat) return;
    if (by === 'tab') chat.leave();
    else await chat.forget(true);
    await this.#leave();
  }

  async #forget(): Promise<void> {
    await this.chat?.forget();
    await this.#leave();
  }

  async #leave(): Promise<void> {
    this.chat = null;
    this.rest.forgetToken();
    if (!(this.invitation && 'reset' in this.invitation)) hint(null);
    try {
      await this.loadInstallation();
      this.phase = 'account';
    } catch (error) {
      if (!(error instanceof Unreachable)) this.phase = 'account';
      else this.#retry(() => void this.#leave());
    }
  }

  #retry(again: () => void): void {
    this.phase = 'unreachable';
    setTimeout(again, RETRY_AFTER_MS);
  }
}

export function invitationOf(hash: string): Invitation {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const [invite, reset] = [fields.get('invite'), fields.get('reset')];
  if (reset) return { reset };
  return invite ? { invite } : null;
}

/** The id of who signed in here; null where nobody did. Where the storage is forbidden, '': the server is asked each time. */
function hinted(): string | null {
  try {
    return localStorage.getItem(SIGNED_IN);
  } catch {
    return '';
  }
}

function hint(userId: string | null): void {
  try {
    if (userId === null) localStorage.removeItem(SIGNED_IN);
    else localStorage.setItem(SIGNED_IN, userId);
  } catch {
    // See hinted.
  }
}
