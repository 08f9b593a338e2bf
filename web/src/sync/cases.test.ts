/** The cases that the Rust twin runs too. Their README is the contract. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ClientFrame, Event, Room, ServerFrame } from '../api/types';
import { deliver, tickOf } from './receipts';
import { newState, type RoomState, roomsInOrder, type State, unread } from './state';
import * as sync from './sync';
import { addPage, type PageAt, timeline } from './timeline';
import { sayDue } from './say';

type Given = Record<string, unknown>;

type Step = {
  connect?: string;
  disconnect?: true;
  frame?: Given;
  send?: { room: string; key: string; text: string };
  delete?: { room: string; key: string; target: number };
  read?: { room: string; seq: number };
  page?: { room: string; at: PageAt; limit: number; head_seq: number; messages: Given[] };
  deliver?: true;
  retry?: true;
  timeout?: true;
  resend?: string;
  discard?: string;
  out?: ClientFrame[];
  retry_after_ms?: number;
  delivers?: boolean;
  stale?: boolean;
  view?: { rooms?: Record<string, Given | null>; order?: string[]; ready?: boolean };
};

type Case = { name: string; steps: Step[] };

const FOLDER = new URL('../../../crates/client/cases/sync/', import.meta.url);
const START_MS = 1_800_000_000_000;

const defaults = read('defaults.json') as Record<string, Given>;
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json') && file !== 'defaults.json');

test('there are cases', () => expect(files.length).toBeGreaterThan(0));

describe.each(files)('%s', (file) => {
  test.each((read(file) as Case[]).map((it): [string, Step[]] => [it.name, it.steps]))('%s', (_, steps) => {
    const state = newState();
    let now_ms = START_MS;
    for (const [index, step] of steps.entries()) {
      const place = `step ${index + 1}: ${JSON.stringify(step)}`;
      const due_ms = retryDue(state);
      if (step.retry) now_ms = due_ms ?? now_ms;
      const wasPlanned = state.deliver_ms !== null && !step.deliver;
      const { out, stale } = act(state, step, now_ms);
      expect(out, place).toEqual(step.out ?? []);
      expect(stale, place).toBe(step.stale ?? false);
      const next_ms = retryDue(state);
      expect(next_ms === due_ms || next_ms === null ? undefined : next_ms - now_ms, place).toBe(step.retry_after_ms);
      if (step.delivers !== undefined) expect(state.deliver_ms !== null && !wasPlanned, place).toBe(step.delivers);
      if (step.view) expect(view(state, step.view), place).toEqual(step.view);
    }
  });
});

function act(state: State, step: Step, now_ms: number): { out: ClientFrame[]; stale: boolean } {
  let out: ClientFrame[] = [];
  let stale = false;
  if (step.connect) out = [sync.connected(state, step.connect)];
  if (step.disconnect) sync.disconnected(state);
  if (step.frame) out = sync.apply(state, complete(step.frame), now_ms);
  if (step.send) out = sync.send(state, step.send.room, step.send.text, step.send.key, now_ms);
  if (step.delete) out = sync.erase(state, step.delete.room, step.delete.target, step.delete.key, now_ms);
  if (step.read) out = sync.read(state, step.read.room, step.read.seq, now_ms);
  if (step.deliver) out = deliver(state);
  if (step.retry) out = retried(state, now_ms);
  if (step.timeout) out = sync.timeout(state, now_ms);
  if (step.resend) out = sync.resend(state, step.resend, now_ms);
  if (step.discard) sync.discard(state, step.discard);
  if (step.page) {
    const messages = step.page.messages.map((it) => event({ room: step.page?.room, ...it }));
    stale = !addPage(state, step.page.room, { ...step.page, messages });
  }
  return { out, stale };
}

/** Receipts are said by another clock, which a case moves by `deliver`. */
function retried(state: State, now_ms: number): ClientFrame[] {
  const { deliver_ms } = state;
  state.deliver_ms = null;
  const out = sync.tick(state, now_ms);
  state.deliver_ms = deliver_ms;
  return out;
}

/** The answers that are overdue are another clock, which a case moves by `timeout`. */
function retryDue(state: State): number | null {
  return sayDue({ ...state, outbox: state.outbox.filter((it) => it.ref === null), questions: state.questions.filter((it) => it.ref === null) });
}

function complete(frame: Given): ServerFrame {
  const whole: Given = { ...defaults[String(frame.type)], ...frame };
  if (Array.isArray(whole.rooms)) whole.rooms = whole.rooms.map(room);
  return structuredClone(whole) as ServerFrame;
}

function room(given: Given): Room {
  const whole: Given = { ...defaults.room, ...given };
  if (whole.last) whole.last = event({ room: whole.id, ...(whole.last as Given) });
  return whole as Room;
}

function event(given: Given): Event {
  const { type: _, ...whole } = { ...defaults.event, ...given } as Event & { type: string };
  return structuredClone(whole);
}

function view(state: State, wanted: NonNullable<Step['view']>): Step['view'] {
  const rooms = Object.entries(wanted.rooms ?? {}).map(([id, named]) => {
    const known = state.rooms[id];
    if (!known || named === null) return [id, known ? 'is there' : null];
    const whole = viewOf(state, known);
    return [id, Object.fromEntries(Object.keys(named).map((key) => [key, whole[key]]))];
  });
  return {
    ...(wanted.rooms && { rooms: Object.fromEntries(rooms) }),
    ...(wanted.order && { order: roomsInOrder(state).map((it) => it.room.id) }),
    ...(wanted.ready !== undefined && { ready: state.ready }),
  };
}

function viewOf(state: State, known: RoomState): Given {
  return {
    ...known.room,
    draft: known.room.draft || null,
    cursor: known.cursor,
    unread: unread(known.room),
    last: known.room.last && line(known.room.last),
    timeline: timeline(known).map(line),
    ticks: timeline(known).map(({ seq }) => `${seq} ${tickOf(known.room, seq)}`),
    pending: state.outbox.filter((it) => it.room === known.room.id).map(pendingLine),
  };
}

function line({ seq, kind, body }: Event): string {
  if (kind !== 'message') return `${seq} ${kind}`;
  return `${seq} ${body ? String(body.text) : '-'}`;
}

function pendingLine({ what, stage, code }: State['outbox'][number]): string {
  return `${'text' in what ? what.text : `delete ${what.target}`} ${stage}${code ? `:${code}` : ''}`;
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}
