/** Rows on the page at most, and how many come at once. A screen holds about twenty. */
export const PART_MAX = 160;
export const PART_STEP = 16;

/** Events that are known beyond those on the page while one comes near: the next page is on its way before it is missed. */
export const PART_AHEAD = 100;
