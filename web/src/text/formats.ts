/** Numbers, plurals, lists and moments of a language, by the browser's `Intl`. */

const DAY_MS = 86_400_000;

/** What a language says of a number, for each of the categories that it has; `#` is the number. */
export type Forms<Category extends Intl.LDMLPluralRule> = Record<Category, string>;

export function formats<Category extends Intl.LDMLPluralRule>(language: string) {
  const locale = localeOf(language, globalThis.navigator?.languages ?? []);
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const lists = new Intl.ListFormat(locale, { type: 'conjunction' });
  const days = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const date = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  const times = date({ hour: 'numeric', minute: '2-digit' });
  const weekdays = date({ weekday: 'long' });
  const dates = date({ day: 'numeric', month: 'long' });
  const datesOfYear = date({ day: 'numeric', month: 'long', year: 'numeric' });
  const shortDates = date({ day: 'numeric', month: 'numeric', year: '2-digit' });
  const exact = date({ dateStyle: 'full', timeStyle: 'short' });

  const relative = (ago: number) => capital(days.format(-ago, 'day'), locale);
  const number = (value: number) => numbers.format(value);

  return {
    number,
    list: (words: string[]) => lists.format(words),
    /** The form for a number, with the number in it. A form that a type cannot know falls back on `other`. */
    count: (value: number, forms: Forms<Category>): string => {
      const found: Partial<Record<Intl.LDMLPluralRule, string>> = forms;
      return (found[plurals.select(value)] ?? found.other ?? '#').replace('#', number(value));
    },
    moments: {
      number,
      time: (at_ms: number) => times.format(at_ms),
      /** For whoever wants to know it all. */
      exact: (at_ms: number) => exact.format(at_ms),
      /** A day of the calendar. */
      date: (at_ms: number) => datesOfYear.format(at_ms),
      /** Above the messages of a day. */
      day: (at_ms: number, now_ms: number) => {
        const ago = daysAgo(at_ms, now_ms);
        if (ago <= 1) return relative(ago);
        if (ago < 7) return capital(weekdays.format(at_ms), locale);
        return (ago < 300 ? dates : datesOfYear).format(at_ms);
      },
      /** Where there is room for a word. */
      moment: (at_ms: number, now_ms: number) => {
        const ago = daysAgo(at_ms, now_ms);
        if (ago <= 0) return times.format(at_ms);
        if (ago === 1) return relative(1);
        return ago < 7 ? weekdays.format(at_ms) : shortDates.format(at_ms);
      },
      /** What a language calls itself. */
      languageName: (code: string) => capital(new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code, code),
    },
  };
}

/** The person's own form of the language (`en-GB`), where the browser names one: it knows the order of day and month. */
export function localeOf(language: string, wanted: readonly string[]): string {
  return wanted.find((it) => it.split('-')[0] === language) ?? language;
}

/** Letters without their case and marks: who looks for “zoe” finds “Zoë”. */
export function folded(words: string): string {
  return words.trim().normalize('NFD').replace(/\p{M}+/gu, '').toLocaleLowerCase();
}

function capital(sentence: string, locale: string): string {
  return sentence.charAt(0).toLocaleUpperCase(locale) + sentence.slice(1);
}

/** Whole days between two moments, by the person's calendar. */
function daysAgo(at_ms: number, now_ms: number): number {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(now_ms) - midnight(at_ms)) / DAY_MS);
}
