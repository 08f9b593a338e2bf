/**
 * What is deleted while one reads keeps its height until it is out of sight, so that nothing moves under
 * the eye. Who pressed something just now expects it to go. Made by a view, whose life its effects have.
 */
import { untrack } from 'svelte';
import { isPressed } from '../../ui/pressed';

export class Held {
  height_px: number | null = $state(null);

  constructor(isThere: () => boolean, element: () => HTMLElement | undefined) {
    let wasThere = untrack(isThere);
    // Before the page shows it: what is there still has its height.
    $effect.pre(() => {
      const isGone = wasThere && !isThere();
      const height_px = isGone && !isPressed() ? untrack(element)?.getBoundingClientRect().height : undefined;
      if (height_px !== undefined) this.height_px = height_px;
      wasThere = isThere();
    });
    $effect(() => {
      const held = element();
      if (this.height_px === null || !held) return;
      const sight = new IntersectionObserver((entries) => {
        if (entries.every((it) => !it.isIntersecting)) this.height_px = null;
      });
      sight.observe(held);
      return () => sight.disconnect();
    });
  }
}
