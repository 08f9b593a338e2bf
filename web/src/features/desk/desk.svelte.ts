/** What of the page is open over the chat: a dialog, a menu, the drawer. One dialog at a time, and one menu. */
import type { IconName } from '../../ui/Icon.svelte';

export type Sheet =
  | { kind: 'new'; join: boolean }
  | { kind: 'invite' | 'settings' | 'keys' | 'switcher' | 'jump' }
  | { kind: 'delete' | 'receipts'; room: string; seq: number }
  | { kind: 'leave'; room: string };

/** A line of a menu: an action with what it is done to. */
export type Entry = { id: string; label: string; icon: IconName; key: string | null; isDanger: boolean; perform: () => void };

/** A menu opens at an element or where the pointer is. */
export type Place = HTMLElement | { x: number; y: number };

export type Menu = { label: string; entries: Entry[]; place: Place };

/** How long a word about what was done stays. */
const WORD_MS = 2_500;

export class Desk {
  sheet: Sheet | null = $state.raw(null);
  menu: Menu | null = $state.raw(null);
  isInfoOpen = $state(false);
  /** The account was made just now. */
  isNew = $state(false);
  /** A word about what was just done. */
  word = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;

  open(sheet: Sheet): void {
    this.menu = null;
    this.sheet = sheet;
  }

  readonly close = (): void => {
    this.sheet = null;
  };

  openMenu(menu: Menu): void {
    if (menu.entries.length > 0) this.menu = menu;
  }

  readonly closeMenu = (): void => {
    this.menu = null;
  };

  tell(word: string): void {
    clearTimeout(this.#timer);
    this.word = word;
    this.#timer = setTimeout(() => (this.word = ''), WORD_MS);
  }
}
