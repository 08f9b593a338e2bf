/** Finds web addresses in what people write. */
import type { Piece } from './pieces';

/** No scheme but these two ever becomes a link. */
const ADDRESS = /https?:\/\/[^\s<>"“”«»`]+/giu;

/** What stands at the end of an address and belongs to the sentence. */
const TAIL = /[.,:;!?'’)\]}*_~]+$/u;

export function addresses(said: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of said.matchAll(ADDRESS)) {
    const address = withoutTail(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > end) found.push({ kind: 'text', text: said.slice(end, match.index) });
    found.push({ kind: 'link', text: address, href: new URL(address).href });
    end = match.index + address.length;
  }
  if (end < said.length) found.push({ kind: 'text', text: said.slice(end) });
  return found;
}

/** A closing bracket stays where the address opened one, as Wikipedia's do. */
function withoutTail(address: string): string {
  const tail = TAIL.exec(address)?.[0] ?? '';
  const bare = address.slice(0, address.length - tail.length);
  const opened = bare.split('(').length - bare.split(')').length;
  return opened > 0 && tail.startsWith(')') ? `${bare})` : bare;
}
