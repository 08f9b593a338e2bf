/** What is being written in a room. The text itself is the room's draft. */
import type { Chat } from '../../chat.svelte';

const encoder = new TextEncoder();

export class Composer {
  /** What was pasted and would be too long to be sent. */
  pasted: { text: string; bytes: number } | null = $state(null);

  constructor(
    private readonly chat: Chat,
    private readonly roomId: string,
  ) {}

  get text(): string {
    return this.chat.drafts.get(this.roomId) ?? '';
  }

  set text(text: string) {
    this.chat.drafts.set(this.roomId, text);
    if (text.trim() === '') this.chat.stopTyping();
    else this.chat.type(this.roomId);
  }

  /** Bytes beyond what a message may have, or 0. */
  get excess(): number {
    return this.#excessOf(this.text);
  }

  get canSend(): boolean {
    return this.text.trim() !== '' && this.excess === 0;
  }

  /** Whether what is pasted can go into the text; else it is asked about. */
  takes(pasted: string, selected: string): boolean {
    const bytes = this.#excessOf(`${this.text}${pasted}`.slice(selected.length));
    this.pasted = bytes > 0 ? { text: pasted, bytes: encoder.encode(pasted).length } : null;
    return bytes === 0;
  }

  send(): boolean {
    if (!this.canSend) return false;
    this.chat.send(this.roomId, this.text.trim());
    this.pasted = null;
    return true;
  }

  /** The field was left. */
  left(): void {
    this.chat.stopTyping();
    this.chat.drafts.rest(this.roomId);
  }

  #excessOf(text: string): number {
    const max = this.chat.state.limits.text_bytes;
    // A character is at least a byte and at most four: most texts need not be encoded to know.
    if (text.length * 4 <= max) return 0;
    return Math.max(0, encoder.encode(text.trim()).length - max);
  }
}
