/** The emoji there are, how one finds them, and their skin tones. */
import { folded } from '../../text/formats';

export type Emoji = { sign: string; words: string; hasTones: boolean };
export type Group = { id: string; emoji: Emoji[] };

/** As `table` of scripts/emoji.mjs writes them. */
export function parse(table: [group: string, lines: string][]): Group[] {
  return table.map(([id, lines]) => ({ id, emoji: lines.split('\n').map(emojiOf) }));
}

function emojiOf(line: string): Emoji {
  const [sign = '', words = '', tones] = line.split('\t');
  return { sign, words, hasTones: tones === '1' };
}

/** More than this nobody looks through. */
const FOUND_MAX = 120;

/** Those that have a word beginning with each of these; whose first words fit come first. */
export function find(groups: Group[], sought: string): Emoji[] {
  const wanted = folded(sought).split(/\s+/).filter((it) => it !== '');
  if (wanted.length === 0) return [];
  const found: { emoji: Emoji; at: number }[] = [];
  for (const emoji of groups.flatMap((it) => it.emoji)) {
    const words = ` ${emoji.words}`;
    const places = wanted.map((word) => words.indexOf(` ${word}`));
    if (places.every((it) => it >= 0)) found.push({ emoji, at: Math.max(...places) });
  }
  return found.sort((a, b) => a.at - b.at).slice(0, FOUND_MAX).map((it) => it.emoji);
}

/** Skin tones as Unicode has them, the first of none. */
export const TONES = ['', '🏻', '🏼', '🏽', '🏾', '🏿'] as const;

/** An emoji in a tone: the tone stands behind the first sign, in place of what asks for colour. */
export function toned({ sign, hasTones }: Emoji, tone: number): string {
  const [first = '', ...rest] = [...sign];
  if (!hasTones || tone === 0) return sign;
  const last = rest[0] === '\uFE0F' ? rest.slice(1) : rest;
  return `${first}${TONES[tone] ?? ''}${last.join('')}`;
}

/** Emoji used lately that are kept, the last one first. */
const RECENT_MAX = 24;

const NAME = 'chinwag.emoji';

type Kept = { recent: string[]; tone: number };

/** What this browser remembers. It is the person's own, and goes when the person signs out. */
export function remembered(storage: Storage | null): Kept {
  try {
    const kept = JSON.parse(storage?.getItem(NAME) ?? '{}') as Partial<Kept>;
    const recent = Array.isArray(kept.recent) ? kept.recent.filter((it) => typeof it === 'string').slice(0, RECENT_MAX) : [];
    return { recent, tone: TONES[kept.tone ?? 0] === undefined ? 0 : (kept.tone ?? 0) };
  } catch {
    return { recent: [], tone: 0 };
  }
}

export function remember(storage: Storage | null, { recent, tone }: Kept): void {
  try {
    storage?.setItem(NAME, JSON.stringify({ recent: recent.slice(0, RECENT_MAX), tone }));
  } catch {
    // The storage is full or forbidden: nothing is remembered.
  }
}

export function forget(storage: Storage | null): void {
  try {
    storage?.removeItem(NAME);
  } catch {
    // See remember.
  }
}
