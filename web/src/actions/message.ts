/** What can be done with one message. */
import type { Message } from '../features/timeline/items';
import { text } from '../text';
import type { Action } from './action';
import type { RoomScope } from './room';

export type MessageScope = RoomScope & { message: Message };

export const copy: Action<MessageScope> = {
  id: 'copy',
  label: () => text.actions.copy,
  icon: 'copy',
  key: { key: 'c' },
  gate: ({ message }) => message.said !== null,
  perform: ({ desk, message }) => void toClipboard(message.said ?? '').then(() => desk.tell(text.room.copied)),
};

export const retry: Action<MessageScope> = {
  id: 'retry',
  label: () => text.actions.retry,
  icon: 'retry',
  gate: ({ message }) => message.stage === 'failed',
  perform: ({ chat, message }) => chat.retry(message.id),
};

export const discard: Action<MessageScope> = {
  id: 'discard',
  label: () => text.actions.discard,
  icon: 'bin',
  isDanger: true,
  gate: ({ message }) => message.stage === 'failed',
  perform: ({ chat, message }) => chat.discard(message.id),
};

export const remove: Action<MessageScope> = {
  id: 'delete',
  label: () => text.actions.remove,
  icon: 'bin',
  key: { key: 'Delete' },
  isDanger: true,
  gate: ({ message }) => message.isDeletable && message.seq !== null,
  perform: ({ desk, known, message }) => {
    if (message.seq !== null) desk.open({ kind: 'delete', room: known.room.id, seq: message.seq });
  },
};

export const receipts: Action<MessageScope> = {
  id: 'receipts',
  label: () => text.receipts.action,
  icon: 'info',
  key: { key: 'i' },
  gate: ({ known, message }) => message.isMine && message.seq !== null && known.room.kind !== 'self',
  perform: ({ desk, known, message }) => {
    if (message.seq !== null) desk.open({ kind: 'receipts', room: known.room.id, seq: message.seq });
  },
};

export const messageActions: readonly Action<MessageScope>[] = [copy, receipts, retry, discard, remove];

/** Over plain http the browser offers no clipboard: there an area that is selected does. */
export async function toClipboard(words: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(words);
  const area = document.createElement('textarea');
  area.value = words;
  // A modal dialog keeps the focus within.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
