/** What a person chose for this browser: how the page looks and how it calls. */
import { isRightToLeft, language, type Language, languageOf, languages, speak } from '../../text';

export const themes = ['system', 'light', 'dark'] as const;
export const sizes = ['small', 'normal', 'large', 'huge'] as const;

export type Theme = (typeof themes)[number];
export type Size = (typeof sizes)[number];

type Kept = {
  theme: Theme;
  size: Size;
  /** Null: the browser's. */
  language: Language | null;
  /** Null: Enter sends where there is a keyboard, and breaks the line on glass. */
  enterSends: boolean | null;
  notifies: boolean;
  sounds: boolean;
  badges: boolean;
};

const FRESH: Kept = { theme: 'system', size: 'normal', language: null, enterSends: null, notifies: false, sounds: false, badges: true };

const NAME = 'chinwag.preferences';

export class Preferences {
  #kept: Kept = $state(FRESH);
  /** Counts the changes of language: the page is built anew for each. */
  spoken = $state(0);

  constructor(private readonly storage: Storage | null = storageOrNone()) {
    this.#kept = parse(storage?.getItem(NAME) ?? null);
  }

  get now(): Readonly<Kept> {
    return this.#kept;
  }

  /** What is as it was at first is not kept: an untouched browser keeps nothing. */
  set(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    const chosen = Object.entries(this.#kept).filter(([name, value]) => value !== FRESH[name as keyof Kept]);
    try {
      if (chosen.length === 0) this.storage?.removeItem(NAME);
      else this.storage?.setItem(NAME, JSON.stringify(Object.fromEntries(chosen)));
    } catch {
      // The storage is full or forbidden: the choice holds until the page is closed.
    }
    this.show();
  }

  /** Puts the look on the document. */
  show(): void {
    const { theme, size } = this.#kept;
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    if (size === 'normal') delete root.dataset.size;
    else root.dataset.size = size;
    // The bar of the browser goes with it.
    for (const colour of document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]')) {
      const { scheme } = colour.dataset;
      colour.media = theme === 'system' ? `(prefers-color-scheme: ${scheme})` : scheme === theme ? 'all' : 'not all';
    }
  }

  /** Reads the language that is wanted; the one before stays where it cannot be read. */
  async speak(): Promise<void> {
    const before = language;
    await speak(this.#kept.language ?? languageOf(navigator.languages)).catch(() => undefined);
    document.documentElement.lang = language;
    document.documentElement.dir = isRightToLeft(language) ? 'rtl' : 'ltr';
    if (language !== before) this.spoken += 1;
  }
}

/** Only what may stand there, for another version of the page may have written it. */
function parse(json: string | null): Kept {
  try {
    const kept = { ...FRESH, ...(JSON.parse(json ?? '{}') as Partial<Kept>) };
    const isKnown =
      themes.includes(kept.theme) && sizes.includes(kept.size) && (kept.language === null || languages.includes(kept.language));
    return isKnown ? kept : FRESH;
  } catch {
    return FRESH;
  }
}

/** Some browsers forbid it, and say so by throwing at the mere look. */
function storageOrNone(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export const preferences = new Preferences();
