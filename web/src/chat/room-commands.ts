/** What one may do about a room and who is in it. Each fails as [`Rest`] does; what came of it comes by the log. */
import { newKey } from '../api/key';
import type { Rest } from '../api/rest';
import type { Members, Room, RoomCreate, RoomPatch } from '../api/types';

export type Role = 'reader' | 'member' | 'admin' | 'owner';

export class RoomCommands {
  constructor(private readonly rest: Rest) {}

  create(room: RoomCreate): Promise<Room> {
    return this.rest.createRoom(room);
  }

  async join(room: string): Promise<void> {
    await this.rest.joinRoom(room, newKey());
  }

  leave(room: string): Promise<void> {
    return this.rest.leaveRoom(room, newKey());
  }

  rename(room: string, name: string): Promise<void> {
    return this.change(room, { name });
  }

  /** Name, who may post, what of the past is seen. */
  change(room: string, patch: Omit<RoomPatch, 'key'>): Promise<void> {
    return this.rest.patchRoom(room, { ...patch, key: newKey() });
  }

  /** A page of members; `after` is the page before's `next`. */
  members(room: string, after?: string): Promise<Members> {
    return this.rest.members(room, after);
  }

  add(room: string, user: string, role: Role = 'member'): Promise<void> {
    return this.rest.putMember(room, user, { role, key: newKey() });
  }

  setRole(room: string, user: string, role: Role): Promise<void> {
    return this.rest.putMember(room, user, { role, key: newKey() });
  }

  remove(room: string, user: string): Promise<void> {
    return this.rest.removeMember(room, user, newKey());
  }
}
