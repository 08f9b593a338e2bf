/** What Ctrl K finds: rooms and actions, by a few letters. */
import { type Scope } from '../../actions/action';
import { appActions, switcher } from '../../actions/app';
import { roomActions } from '../../actions/room';
import { folded } from '../../text/formats';
import type { IconName } from '../../ui/Icon.svelte';
import { faceId, hueOfRoom, roomName, signOf } from '../names';

export type Found =
  | { kind: 'room'; id: string; label: string; faceId: string; hue: number | undefined; sign: IconName | undefined }
  | { kind: 'action'; id: string; label: string; icon: IconName; perform: () => void };

/** More than this nobody reads: one writes another letter. */
const ROOMS_MAX = 8;
const ACTIONS_MAX = 6;

export function search(scope: Scope, words: string): Found[] {
  const wanted = folded(words);
  return [...rooms(scope, wanted), ...actions(scope, wanted)];
}

function rooms({ chat }: Scope, wanted: string): Found[] {
  const found: { found: Found; rank: number }[] = [];
  for (const id of chat.roster.order) {
    const room = chat.state.rooms[id]?.room;
    if (!room || id === chat.openId) continue;
    const label = roomName(chat.state, room);
    const rank = rankOf(label, wanted);
    if (rank === null) continue;
    found.push({ found: { kind: 'room', id, label, faceId: faceId(room), hue: hueOfRoom(chat.state, room), sign: signOf(room) }, rank });
    if (wanted === '' && found.length === ROOMS_MAX) break;
  }
  return found.sort((a, b) => a.rank - b.rank).slice(0, ROOMS_MAX).map((it) => it.found);
}

function actions(scope: Scope, wanted: string): Found[] {
  const known = scope.chat.open;
  const ofRoom = known ? roomActions.map((it) => ({ ...it, gate: () => it.gate({ ...scope, known }), perform: () => it.perform({ ...scope, known }) })) : [];
  const all = [...ofRoom, ...appActions.filter((it) => it !== switcher)];
  const possible = all.filter((it) => rankOf(it.label(), wanted) !== null && it.gate(scope));
  return possible.slice(0, ACTIONS_MAX).map(({ id, label, icon, perform }) => ({ kind: 'action', id, label: label(), icon, perform: () => perform(scope) }));
}

/** 0 where it begins so, 1 where a word of it does, 2 where it is within; null where it is not. */
export function rankOf(label: string, wanted: string): number | null {
  const at = folded(label).indexOf(wanted);
  if (at < 0) return null;
  if (at === 0) return 0;
  return folded(label).includes(` ${wanted}`) ? 1 : 2;
}
