/** Remembers who has the focus. What it returns gives it back, unless somebody else has it by then. */
export function keepFocus(): () => void {
  const before = document.activeElement;
  return () => {
    const isNobodys = document.activeElement === null || document.activeElement === document.body;
    if (isNobodys && before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
}
