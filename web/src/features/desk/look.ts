/** Whether somebody looks at this page. */
import { on } from 'svelte/events';
import { createSubscriber } from 'svelte/reactivity';

const watched = createSubscriber((changed) => {
  const ends = [on(document, 'visibilitychange', changed), on(window, 'focus', changed), on(window, 'blur', changed)];
  return () => ends.forEach((end) => end());
});

/** A window that lies open beside the one that is used is seen, and nobody reads in it. An effect that asks is run again. */
export function isLookedAt(): boolean {
  watched();
  return document.visibilityState === 'visible' && document.hasFocus();
}
