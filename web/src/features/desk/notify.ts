/** Calls for one who does not look: a notification of the system, and a sound that is made here. */
import type { Event } from '../../api/types';
import type { Chat } from '../../chat.svelte';
import { unread } from '../../sync/state';
import { text } from '../../text';
import { messageText, roomName, userName } from '../names';
import { preferences } from './preferences.svelte';

/** Several messages at once make one sound. */
const CHIME_EVERY_MS = 1_500;

/** Notes of the sound, Hz, one after the other. */
const NOTES_HZ = [659.25, 880] as const;
const NOTE_S = 0.14;

/** A message is read in a glance. */
const WORDS_MAX = 140;

export function mayNotify(): NotificationPermission | 'absent' {
  return 'Notification' in globalThis && isSecureContext ? Notification.permission : 'absent';
}

let sound: AudioContext | null = null;
let chimed_ms = -Infinity;

/** Two soft notes. Where the browser lets nothing be heard before the page was touched, nothing is. */
export function chime(): void {
  if (performance.now() - chimed_ms < CHIME_EVERY_MS) return;
  chimed_ms = performance.now();
  sound ??= new AudioContext();
  void sound.resume();
  for (const [index, hertz] of NOTES_HZ.entries()) {
    const [from, tone, volume] = [sound.currentTime + index * NOTE_S, sound.createOscillator(), sound.createGain()];
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, from);
    volume.gain.exponentialRampToValueAtTime(0.12, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + NOTE_S * 2);
    tone.connect(volume).connect(sound.destination);
    tone.start(from);
    tone.stop(from + NOTE_S * 2);
  }
}

/** The newest message of somebody else, over all rooms: what there may be a call for. */
export function newest(chat: Chat): Event | null {
  let found: Event | null = null;
  // The rooms at the top of the list are those where something was said.
  for (const id of chat.roster.order.slice(0, 3)) {
    const room = chat.state.rooms[id]?.room;
    const last = room?.last;
    if (!room || !last || last.kind !== 'message' || last.from === chat.me.id || unread(room) === 0) continue;
    if (!found || last.at_ms > found.at_ms) found = last;
  }
  return found;
}

export function notify(chat: Chat, event: Event): void {
  const { notifies, sounds } = preferences.now;
  if (sounds) chime();
  const room = chat.state.rooms[event.room]?.room;
  if (!notifies || mayNotify() !== 'granted' || !room) return;
  const name = userName(chat.state, event.from);
  const title = room.kind === 'direct' ? name : `${text.rooms.from(name)} ${roomName(chat.state, room)}`;
  const call = new Notification(title, { body: (messageText(event) ?? '').slice(0, WORDS_MAX), tag: event.room, icon: '/favicon.svg', silent: true });
  call.onclick = () => {
    window.focus();
    chat.show(event.room);
    call.close();
  };
}
