/** Who is signed in, and what is therefore shown. */
import { Rest, SignedOut, Unreachable } from './api/rest';
import type { Installation, Me } from './api/types';
import { Chat } from './chat.svelte';

/** Between tries to reach a server that did not answer when the page was opened. */
const RETRY_AFTER_MS = 3_000;

/** Says that somebody signed in here, so that a stranger's first look asks the server for no session. */
const SIGNED_IN = 'chinwag.signed_in';

/** What a link to this page can carry. Behind `#`, so that it never reaches a server's log. */
export type Invitation = { invite: string } | { reset: string } | null;

export class App {
  readonly rest = new Rest();
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
  }

  entered(me: Me): void {
    hint(true);
    this.invitation = null;
    this.chat = new Chat(this.rest, me, () => void this.#leave());
    this.chat.start();
    this.phase = 'chat';
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
    this.chat?.forget();
    await this.#leave();
  }

  /** What may be done without an account. */
  async loadInstallation(): Promise<void> {
    this.installation = await this.rest.installation();
  }

  async #enter(): Promise<void> {
    try {
      if (this.invitation && 'reset' in this.invitation) await this.#leave();
      else if (hasHint()) this.entered(await this.rest.refresh());
      else await this.#leave();
    } catch (error) {
      if (error instanceof SignedOut) await this.#leave();
      else this.#retry(() => void this.#enter());
    }
  }

  async #leave(): Promise<void> {
    this.chat?.stop();
    this.chat = null;
    this.rest.forgetToken();
    if (!(this.invitation && 'reset' in this.invitation)) hint(false);
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

/** Where the storage is forbidden the server is asked each time. */
function hasHint(): boolean {
  try {
    return localStorage.getItem(SIGNED_IN) !== null;
  } catch {
    return true;
  }
}

function hint(isSignedIn: boolean): void {
  try {
    if (isSignedIn) localStorage.setItem(SIGNED_IN, 'yes');
    else localStorage.removeItem(SIGNED_IN);
  } catch {
    // See hasHint.
  }
}
