/** Who is in a room. What the log tells of joining and leaving makes it read the list anew. */
import type { Member } from '../../api/types';
import type { Chat } from '../../chat.svelte';
import type { Role } from '../../chat/room-commands';
import { find } from '../handle';
import { Work } from '../work.svelte';

export class Members {
  list: Member[] = $state([]);
  next: string | undefined = $state();
  readonly work = new Work();

  constructor(
    private readonly chat: Chat,
    private readonly roomId: string,
  ) {}

  /** The first page. */
  read(): Promise<boolean> {
    return this.work.run(() => this.#first());
  }

  more(): Promise<boolean> {
    return this.work.run(async () => {
      const { members, next } = await this.chat.room.members(this.roomId, this.next);
      const isNew = (id: string) => this.list.every((it) => it.user.id !== id);
      this.list = [...this.list, ...members.filter((it) => isNew(it.user.id))];
      this.next = next;
    });
  }

  /** Takes somebody in by their handle. */
  add(written: string): Promise<boolean> {
    return this.work.run(async () => {
      const user = await find(this.chat.rest, written);
      await this.chat.room.add(this.roomId, user.id);
      await this.#first();
    });
  }

  setRole(userId: string, role: Role): Promise<boolean> {
    return this.work.run(async () => {
      await this.chat.room.setRole(this.roomId, userId, role);
      this.list = this.list.map((it) => (it.user.id === userId ? { ...it, role } : it));
    });
  }

  remove(userId: string): Promise<boolean> {
    return this.work.run(async () => {
      await this.chat.room.remove(this.roomId, userId);
      this.list = this.list.filter((it) => it.user.id !== userId);
    });
  }

  async #first(): Promise<void> {
    const { members, next } = await this.chat.room.members(this.roomId);
    this.list = members;
    this.next = next;
  }
}
