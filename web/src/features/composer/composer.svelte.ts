/** What is being written in a room. */
import type { Chat } from '../../chat.svelte';

const encoder = new TextEncoder();

export class Composer {
  text = $state('');

  constructor(
    private readonly chat: Chat,
    private readonly roomId: string,
  ) {
    this.text = chat.drafts.get(roomId) ?? '';
  }

  /** Bytes beyond what a message may have, or 0. */
  get excess(): number {
    // A character is at least a byte and at most four: most texts need not be encoded to know.
    if (this.text.length * 4 <= this.chat.state.limits.text_bytes) return 0;
    return Math.max(0, encoder.encode(this.text.trim()).length - this.chat.state.limits.text_bytes);
  }

  get canSend(): boolean {
    return this.text.trim() !== '' && this.excess === 0;
  }

  edited(): void {
    this.chat.drafts.set(this.roomId, this.text);
    if (this.text.trim() === '') this.chat.stopTyping();
    else this.chat.type(this.roomId);
  }

  send(): void {
    if (!this.canSend) return;
    this.chat.send(this.roomId, this.text.trim());
    this.text = '';
    this.chat.drafts.delete(this.roomId);
  }
}
