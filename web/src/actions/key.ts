/** Keys as people press them, and as they are written. */
import { text } from '../text';

export type Key = {
  /** As `KeyboardEvent.key` names it; a letter is the one on the key, whatever Alt makes of it. */
  key: string;
  /** Ctrl, on a Mac the command key. */
  isMod?: boolean;
  isAlt?: boolean;
  isShift?: boolean;
};

const isMac = /mac|iphone|ipad/i.test(globalThis.navigator?.platform ?? '');

const LETTER = /^[a-z]$/;

export type Press = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

export function matches(wanted: Key, press: Press, mac = isMac): boolean {
  const [mod, other] = mac ? [press.metaKey, press.ctrlKey] : [press.ctrlKey, press.metaKey];
  if (other || mod !== (wanted.isMod ?? false) || press.altKey !== (wanted.isAlt ?? false)) return false;
  if (LETTER.test(wanted.key)) {
    return press.shiftKey === (wanted.isShift ?? false) && press.code === `Key${wanted.key.toUpperCase()}`;
  }
  // Where a sign stands on a keyboard, and whether it needs Shift, is the keyboard's.
  const isNamed = wanted.key.length > 1;
  return press.key === wanted.key && (!isNamed || press.shiftKey === (wanted.isShift ?? false));
}

/** As the cheat sheet writes it: `Ctrl K`. */
export function shown({ key, isMod, isAlt, isShift }: Key, mac = isMac): string {
  const names = text.keys.names;
  const held = [isMod && (mac ? 'Meta' : 'Control'), isAlt && 'Alt', isShift && 'Shift'].filter((it) => it !== undefined && it !== false);
  return [...held.map((it) => names[it] ?? it), names[key] ?? key.toUpperCase()].join(' ');
}

/** True where letters are text: there only keys with Ctrl or Alt are commands. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
