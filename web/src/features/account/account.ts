/** What may stand in the fields of an account, and what to say where the server said no. */
import { Refused, Unreachable } from '../../api/rest';
import type { Installation } from '../../api/types';
import type { Invitation } from '../../app.svelte';
import { text } from '../../text';

export type Mode = 'in' | 'up' | 'reset';

export type Fields = { handle: string; password: string; name: string; invite: string };

/** What is wrong with a field, or with the whole. */
export type Wrong = Partial<Record<keyof Fields | 'form', string>>;

const HANDLE = /^[a-z0-9_.]{3,32}$/;
const PASSWORD_CHARS_MIN = 8;
const NAME_CHARS_MAX = 64;

/** What the card begins with. */
export function firstMode(installation: Installation | null, invitation: Invitation): Mode {
  if (invitation) return 'reset' in invitation ? 'reset' : 'up';
  return installation?.empty && installation.registration !== 'closed' ? 'up' : 'in';
}

export function canSignUp(installation: Installation | null, invitation: Invitation): boolean {
  return invitation !== null || installation === null || installation.registration !== 'closed';
}

/** What the server would refuse, said before it is asked. */
export function check(mode: Mode, { handle, password, name }: Fields): Wrong {
  if (mode === 'in') return {};
  const wrong: Wrong = {};
  if ([...password].length < PASSWORD_CHARS_MIN) wrong.password = text.account.passwordShort;
  if (mode === 'reset') return wrong;
  if (!HANDLE.test(handle)) wrong.handle = text.account.handleWrong;
  if ([...new Intl.Segmenter().segment(name.trim())].length > NAME_CHARS_MAX) wrong.name = text.account.nameWrong;
  return wrong;
}

/** The sentence for a refusal, beside the field that it is about. */
export function explain(mode: Mode, error: unknown): Wrong {
  if (error instanceof Unreachable) return { form: text.errors.unreachable };
  if (!(error instanceof Refused)) return { form: text.errors.other(String(error)) };
  switch (error.code) {
    case 'unauthorized':
      return { form: mode === 'reset' ? text.account.resetWrong : text.account.refused };
    case 'taken':
      return { handle: text.account.taken };
    case 'forbidden':
    case 'not_found':
      return mode === 'reset' ? { form: text.account.resetWrong } : { invite: text.account.inviteWrong };
    case 'rate_limited':
      return { form: text.errors.slowDown(Math.max(1, Math.ceil((error.retry_after_ms ?? 1_000) / 1_000))) };
    case 'busy':
    case 'unavailable':
      return { form: text.errors.busy };
    default:
      return invalid(mode, error);
  }
}

function invalid(mode: Mode, { field, message }: Refused): Wrong {
  switch (field) {
    case 'handle':
      return { handle: text.account.handleWrong };
    case 'password':
    case 'new':
      return { password: text.account.passwordWeak };
    case 'display_name':
      return { name: text.account.nameWrong };
    case 'invite':
      return { invite: text.account.inviteWrong };
    case 'token':
      return { form: mode === 'reset' ? text.account.resetWrong : text.errors.other(message) };
    default:
      return { form: text.errors.other(message) };
  }
}
