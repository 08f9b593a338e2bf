/**
 * The emoji as one small module, `virtual:emoji`, made of the public tables when the app is built: a list of
 * `[group, lines]`, a line `emoji TAB words TAB 1 where it has skin tones`. It is read on the first look at the picker.
 */
import { createRequire } from 'node:module';

const NAME = 'virtual:emoji';

export default function emoji() {
  return {
    name: 'emoji',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(table())};` : undefined),
  };
}

export function table() {
  const read = createRequire(import.meta.url);
  const groups = read('unicode-emoji-json/data-by-group.json');
  const keywords = read('emojilib');
  return groups.map(({ slug, emojis }) => [slug, emojis.map((it) => line(it, keywords[it.emoji] ?? [])).join('\n')]);
}

/** Each word once: most stand in the name and among the keywords. */
function line({ emoji, name, skin_tone_support }, keywords) {
  const words = new Set(`${name} ${keywords.join(' ')}`.replaceAll('_', ' ').toLowerCase().split(/[\s,]+/));
  return [emoji, [...words].join(' '), skin_tone_support ? '1' : ''].join('\t');
}
