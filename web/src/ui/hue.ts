/** Colours of people and rooms in `tokens.css`. */
const HUES = 8;

/** The same id has the same colour everywhere. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  // The high bits are the well mixed ones (FNV-1a).
  return (hash >>> 24) % HUES;
}
