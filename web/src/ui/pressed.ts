/** What moves so soon after a press is its answer, to the one who pressed and to the browser's measure of what moves (Layout Instability). */
const ANSWER_WITHIN_MS = 500;

let pressed_ms = -Infinity;

const press = (): void => {
  pressed_ms = performance.now();
};

if (globalThis.addEventListener !== undefined) for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, press, { capture: true, passive: true });

/** Something was pressed just now, wherever. */
export function isPressed(): boolean {
  return performance.now() - pressed_ms < ANSWER_WITHIN_MS;
}
