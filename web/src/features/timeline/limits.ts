/** Events on the page at most, and how many come at once. A screen holds about twenty. */
export const PART_MAX = 160;
export const PART_STEP = 40;
