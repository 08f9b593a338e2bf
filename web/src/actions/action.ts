/**
 * An action is one object that says all about it. Menus, keys, the cheat sheet and the switcher read
 * the same lists, so none can know of an action that another does not.
 */
import type { App } from '../app.svelte';
import type { Chat } from '../chat.svelte';
import type { Desk, Entry, Place } from '../features/desk/desk.svelte';
import type { IconName } from '../ui/Icon.svelte';
import { type Key, shown } from './key';

/** What every action may touch. */
export type Scope = { app: App; chat: Chat; desk: Desk };

export type Action<S extends Scope = Scope> = {
  id: string;
  label: () => string;
  icon: IconName;
  key?: Key;
  isDanger?: boolean;
  /** Whether it can be done now. */
  gate: (scope: S) => boolean;
  perform: (scope: S) => void;
};

/** Those that can be done, as lines of a menu. */
export function entries<S extends Scope>(actions: readonly Action<S>[], scope: S): Entry[] {
  const possible = actions.filter((action) => action.gate(scope));
  return possible.map(({ id, label, icon, key, isDanger = false, perform }) => ({
    id,
    label: label(),
    icon,
    key: key ? shown(key) : null,
    isDanger,
    perform: () => perform(scope),
  }));
}

export function openMenu<S extends Scope>(label: string, actions: readonly Action<S>[], scope: S, place: Place): void {
  scope.desk.openMenu({ label, entries: entries(actions, scope), place });
}
