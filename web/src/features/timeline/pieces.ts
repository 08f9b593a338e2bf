/** What a text is made of: words, web addresses, code. The text stays text: a view makes the elements. */
import { addresses } from './links';

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'code'; text: string }
  | { kind: 'block'; text: string };

/** Three ticks around code, with a word about its language on the first line or none. */
const BLOCK = /```(?:[\w+#.-]{0,20}\n)?([\s\S]*?)```\n?/gu;

/** One tick, on one line. */
const CODE = /(?<!`)`([^`\n]+)`(?!`)/gu;

export function pieces(said: string): Piece[] {
  return split(said, BLOCK, 'block', (rest) => split(rest, CODE, 'code', addresses));
}

/** Finds what a pattern marks; what lies between goes on to the next. Marks around nothing are text. */
function split(said: string, pattern: RegExp, kind: 'block' | 'code', between: (rest: string) => Piece[]): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of said.matchAll(pattern)) {
    const text = match[1] ?? '';
    if (text.trim() === '') continue;
    if (match.index > end) found.push(...between(said.slice(end, match.index)));
    found.push({ kind, text: kind === 'block' ? text.replace(/\n$/, '') : text });
    end = match.index + match[0].length;
  }
  if (end < said.length) found.push(...between(said.slice(end)));
  return found;
}

/** Beyond so many emoji a text is a text. */
const EMOJI_MAX = 8;

/** No text of so few emoji is longer: the longest of them, a family, has 11 units. */
const EMOJI_UNITS_MAX = EMOJI_MAX * 16;

const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}{2}|\p{Emoji_Modifier_Base}\p{Emoji_Modifier})/u;

/** Made with the first that is asked for: it takes milliseconds, which a start without any does not have. */
let segmenter: Intl.Segmenter | undefined;

/** How many emoji a text is that is nothing else; 0 where it is something else, which most texts show by how they begin. */
export function emojiCount(said: string): number {
  if (said.length > EMOJI_UNITS_MAX || !EMOJI.test(said.trimStart())) return 0;
  segmenter ??= new Intl.Segmenter();
  const signs = [...segmenter.segment(said.replace(/\s+/gu, ''))].map((it) => it.segment);
  return signs.length <= EMOJI_MAX && signs.every((it) => EMOJI.test(it)) ? signs.length : 0;
}

const LEFTWARD = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

/** The direction of a text, as `dir="auto"` finds it; undefined where nothing in it has one. */
export function directionOf(said: string): 'ltr' | 'rtl' | undefined {
  const letter = /\p{L}/u.exec(said)?.[0];
  if (letter === undefined) return undefined;
  return LEFTWARD.test(letter) ? 'rtl' : 'ltr';
}
