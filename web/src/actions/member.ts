/** What can be done with a member of a room. */
import type { Member } from '../api/types';
import type { Role } from '../chat/room-commands';
import type { Members } from '../features/info/members.svelte';
import { text } from '../text';
import type { IconName } from '../ui/Icon.svelte';
import type { Action } from './action';
import { isAdmin, type RoomScope } from './room';

export type MemberScope = RoomScope & { member: Member; members: Members };

const message: Action<MemberScope> = {
  id: 'message',
  label: () => text.info.message,
  icon: 'chat',
  gate: ({ chat, member }) => member.user.id !== chat.me.id && member.user.handle !== '',
  perform: ({ chat, member, desk }) =>
    void chat.room.create({ kind: 'direct', members: [member.user.id] }).then(
      (room) => chat.show(room.id),
      () => desk.tell(text.errors.unreachable),
    ),
};

function make(role: Role, icon: IconName): Action<MemberScope> {
  return {
    id: `make-${role}`,
    label: () => text.info.makeRole[role] ?? role,
    icon,
    // Only an owner makes and unmakes owners.
    gate: (scope) => mayGovern(scope) && scope.member.role !== role && (role !== 'owner' || scope.known.room.role === 'owner'),
    perform: ({ members, member }) => void members.setRole(member.user.id, role),
  };
}

const remove: Action<MemberScope> = {
  id: 'remove-member',
  label: () => text.info.remove,
  icon: 'leave',
  isDanger: true,
  gate: mayGovern,
  perform: ({ members, member }) => void members.remove(member.user.id),
};

export const memberActions: readonly Action<MemberScope>[] = [
  message, make('owner', 'shield'), make('admin', 'shield'), make('member', 'person'), make('reader', 'read'), remove,
];

function mayGovern({ chat, known, member }: MemberScope): boolean {
  const isBelow = known.room.role === 'owner' || member.role !== 'owner';
  return isAdmin(known) && isBelow && member.user.id !== chat.me.id;
}
