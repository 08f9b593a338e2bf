/** Degrees between two colours that nobody takes for one another. */
const HUE_STEP = 24;

/** The same id has the same colour everywhere, in degrees of the colour circle, unless its owner chose one. */
export function hueOf(id: string, chosen?: number): number {
  if (chosen !== undefined) return chosen;
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  // The high bits are the well mixed ones (FNV-1a).
  return ((hash >>> 24) % (360 / HUE_STEP)) * HUE_STEP;
}
