import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'svelte/compiler';
import { afterEach, describe, expect, test } from 'vitest';
import { isRightToLeft, language, languageOf, languages, speak, text } from '.';
import { localeOf } from './formats';

const SOURCES = fileURLToPath(new URL('..', import.meta.url));

afterEach(() => speak('en'));

/** Every sentence of a catalogue, with a name for each. A sentence about a number is said of several. */
function sentences(of: object, path = ''): [string, string][] {
  return Object.entries(of).flatMap(([name, value]): [string, string][] => {
    const here = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'string') return [[here, value]];
    if (typeof value === 'object') return sentences(value as object, here);
    return [];
  });
}

describe.each(languages)('%s', (spoken) => {
  test('says all that English says, and nothing is empty', async () => {
    const names = sentences(text).map(([name]) => name);
    await speak(spoken);
    expect(language).toBe(spoken);
    expect(sentences(text).map(([name]) => name)).toEqual(names);
    expect(sentences(text).filter(([, said]) => said.trim() === '')).toEqual([]);
  });

  test('counts in each of its plural forms', async () => {
    await speak(spoken);
    const { pluralCategories } = new Intl.PluralRules(spoken).resolvedOptions();
    const rules = new Intl.PluralRules(spoken);
    for (const category of pluralCategories) {
      const value = [0, 1, 2, 3, 11, 100, 1_000_000].find((it) => rules.select(it) === category);
      expect(value, category).toBeDefined();
      const said = text.rooms.members(value ?? 0);
      expect(said).not.toContain('#');
      expect(said).not.toBe('');
      expect(text.notices.people(['Ann', 'Bea'], Math.max(1, value ?? 0))).toMatch(/^Ann.*Bea[^#]+$/);
    }
  });

  test('has a language of its own: hardly a sentence is left in English', async () => {
    const english = new Map(sentences(text));
    await speak(spoken);
    if (spoken === 'en') return;
    const same = sentences(text).filter(([name, said]) => english.get(name) === said && /[a-z]{4}/i.test(said));
    expect(same.length).toBeLessThan(30);
  });
});

test('Arabic is written from the right, the others from the left', () => {
  expect(languages.filter(isRightToLeft)).toEqual(['ar']);
});

test.each([
  [['de-AT', 'en'], 'de'],
  [['fr', 'es-MX'], 'es'],
  [['fr', 'tlh'], 'en'],
  [[], 'en'],
])('to a browser that wants %j we speak %s', (wanted, spoken) => expect(languageOf(wanted)).toBe(spoken));

test('the form of a language is the person\'s own, where they named it', () => {
  expect([localeOf('en', ['fr', 'en-GB']), localeOf('en', ['de']), localeOf('de', ['en', 'de-CH'])]).toEqual(['en-GB', 'en', 'de-CH']);
});

/** Attributes that a person reads or hears. */
const READ = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint', 'aria-description', 'aria-roledescription']);

type Node = { type?: string; data?: string; name?: string; value?: unknown };

/** What a view says by itself: texts and readable attributes with a word in them. */
function ownWords(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) node.forEach((it) => ownWords(it, found));
  else if (node !== null && typeof node === 'object') {
    const { type, data, name, value, ...rest } = node as Node;
    if (type === 'Text' && typeof data === 'string' && /\p{L}{2}/u.test(data)) found.push(data.trim());
    if (type === 'Attribute') {
      if (READ.has(name ?? '')) ownWords(value, found);
      // What an expression in an attribute says is code, and no sentence.
      return found;
    }
    if (type === 'StyleDirective' || type === 'Comment') return found;
    ownWords(Object.values(rest), found);
    ownWords(value, found);
  }
  return found;
}

test('no view says anything that is not in the catalogues', () => {
  const views = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.svelte'));
  expect(views.length).toBeGreaterThan(30);
  const said = views.flatMap((view) => {
    const { fragment } = parse(readFileSync(`${SOURCES}/${view}`, 'utf8'), { modern: true });
    return ownWords(fragment).map((it) => `${view}: ${it}`);
  });
  expect(said).toEqual([]);
  expect(ownWords(parse('<p title="Hello">You there{x}</p>', { modern: true }).fragment)).toEqual(['Hello', 'You there']);
});
