/**
 * Every sentence that a person reads, in the language that they chose. English comes with the app,
 * the others when they are asked for. Which one it is stays the same for the life of a view: the
 * page is built anew when it changes.
 */
import { en } from './en';

/** A second language is a second object of this type: a sentence that it lacks is a type error. */
export type Text = typeof en;

export type Language = 'en' | 'de' | 'es' | 'ar';

const catalogues: Record<Exclude<Language, 'en'>, () => Promise<Text>> = {
  de: async () => (await import('./de')).de,
  es: async () => (await import('./es')).es,
  ar: async () => (await import('./ar')).ar,
};

export const languages: readonly Language[] = ['en', 'de', 'es', 'ar'];

/** What is shown. A live binding: whoever imports it sees the language of now. */
export let text: Text = en;
export let language: Language = 'en';

/** Reads the sentences of a language, and makes them the page's. */
export async function speak(wanted: Language): Promise<void> {
  text = wanted === 'en' ? en : await catalogues[wanted]();
  language = wanted;
}

export function isRightToLeft(spoken: Language): boolean {
  return spoken === 'ar';
}

/** The first of the browser's languages that there is. */
export function languageOf(wanted: readonly string[]): Language {
  const found = wanted.flatMap((it) => languages.filter((known) => it.toLowerCase().split('-')[0] === known));
  return found[0] ?? 'en';
}
