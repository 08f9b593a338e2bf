/**
 * A QR code (ISO/IEC 18004, model 2) of bytes, with correction level M: 15 % of it may be hidden.
 * Versions 1 to 10 hold 213 bytes, which is more than any invite's link.
 */

/** For each version from 1 on: codewords of correction a block, and the blocks' data codewords. */
const BLOCKS: readonly { correction: number; data: readonly number[] }[] = [
  { correction: 10, data: [16] },
  { correction: 16, data: [28] },
  { correction: 26, data: [44] },
  { correction: 18, data: [32, 32] },
  { correction: 24, data: [43, 43] },
  { correction: 16, data: [27, 27, 27, 27] },
  { correction: 18, data: [31, 31, 31, 31] },
  { correction: 22, data: [38, 38, 39, 39] },
  { correction: 22, data: [36, 36, 36, 37, 37] },
  { correction: 26, data: [43, 43, 43, 43, 44] },
];

/** Where the middles of the alignment marks are, by version. */
const ALIGNMENT: readonly (readonly number[])[] = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
];

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** The lines of a code, true for dark; null where the text is too long. */
export function qr(text: string): boolean[][] | null {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex((it, index) => bytes.length <= sum(it.data) - 2 - (index >= 9 ? 1 : 0)) + 1;
  if (version === 0) return null;
  const words = codewords(bytes, version);
  let best: { grid: boolean[][]; penalty: number } | null = null;
  for (const mask of MASKS.keys()) {
    const grid = new Grid(version);
    grid.drawWords(words, mask);
    const found = { grid: grid.dark, penalty: penalty(grid.dark) };
    if (!best || found.penalty < best.penalty) best = found;
  }
  return best?.grid ?? null;
}

/** Data and correction, the blocks interleaved. */
function codewords(bytes: Uint8Array, version: number): number[] {
  const { correction, data } = BLOCKS[version - 1] ?? { correction: 0, data: [] };
  const words = padded(bytes, version, sum(data));
  const blocks: { data: number[]; correction: number[] }[] = [];
  let at = 0;
  for (const length of data) {
    const block = words.slice(at, at + length);
    blocks.push({ data: block, correction: remainder(block, generator(correction)) });
    at += length;
  }
  const interleaved = (part: 'data' | 'correction', length: number) =>
    Array.from({ length }, (_, index) => blocks.flatMap((it) => it[part][index] ?? [])).flat();
  return [...interleaved('data', Math.max(...data)), ...interleaved('correction', correction)];
}

/** Mode, length, bytes, end, and filling, as codewords. */
function padded(bytes: Uint8Array, version: number, capacity: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, version >= 10 ? 16 : 8);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, capacity * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const words: number[] = [];
  for (let at = 0; at < bits.length; at += 8) words.push(bits.slice(at, at + 8).reduce((word, bit) => word * 2 + bit, 0));
  for (let filling = 0xec; words.length < capacity; filling ^= 0xec ^ 0x11) words.push(filling);
  return words;
}

/** Product in the field of 256 elements with the polynomial 0x11d. */
function product(a: number, b: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    result = (result << 1) ^ ((result >> 7) * 0x11d);
    result ^= ((b >> bit) & 1) * a;
  }
  return result;
}

/** The polynomial whose roots are the first powers of 2, without its leading 1. */
function generator(degree: number): number[] {
  const result = [...Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let step = 0; step < degree; step += 1) {
    for (let index = 0; index < degree; index += 1) {
      result[index] = product(result[index] ?? 0, root) ^ (result[index + 1] ?? 0);
    }
    root = product(root, 2);
  }
  return result;
}

function remainder(data: number[], divisor: number[]): number[] {
  const result = divisor.map(() => 0);
  for (const word of data) {
    const factor = word ^ (result.shift() ?? 0);
    result.push(0);
    for (const [index, it] of divisor.entries()) result[index] = (result[index] ?? 0) ^ product(it, factor);
  }
  return result;
}

class Grid {
  readonly dark: boolean[][];
  /** What is no data. */
  readonly #fixed: boolean[][];
  readonly #size: number;

  constructor(private readonly version: number) {
    this.#size = version * 4 + 17;
    this.dark = square(this.#size);
    this.#fixed = square(this.#size);
    this.#drawMarks();
  }

  /** From the right, two columns at a time, up and down; then the mask, and what tells of it. */
  drawWords(words: number[], mask: number): void {
    this.#drawFormat(mask);
    this.#drawVersion();
    let at = 0;
    for (let right = this.#size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      const isUp = ((right + 1) & 2) === 0;
      for (let step = 0; step < this.#size; step += 1) {
        for (const x of [right, right - 1]) {
          const y = isUp ? this.#size - 1 - step : step;
          if (this.#fixed[y]?.[x]) continue;
          const bit = ((words[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
          this.#set(x, y, (bit === 1) !== (MASKS[mask]?.(x, y) ?? false), false);
          at += 1;
        }
      }
    }
  }

  #drawMarks(): void {
    for (let index = 0; index < this.#size; index += 1) {
      this.#set(6, index, index % 2 === 0);
      this.#set(index, 6, index % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [this.#size - 4, 3], [3, this.#size - 4]] as const) this.#drawRings(x, y, 4, [2, 4]);
    const places = ALIGNMENT[this.version - 1] ?? [];
    const last = places.length - 1;
    for (const [i, x] of places.entries()) {
      for (const [j, y] of places.entries()) {
        const isCorner = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
        if (!isCorner) this.#drawRings(x, y, 2, [1]);
      }
    }
  }

  /** Squares around a middle; those at the distances `light` are light. */
  #drawRings(middleX: number, middleY: number, reach: number, light: number[]): void {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        this.#set(middleX + dx, middleY + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  }

  /** Level M (its code is 0) and the mask, with their own correction (BCH 15,5), twice. */
  #drawFormat(mask: number): void {
    const bits = ((mask << 10) | checked(mask, 10, 0x537)) ^ 0x5412;
    const size = this.#size;
    for (let index = 0; index < 15; index += 1) {
      const isDark = ((bits >> index) & 1) === 1;
      if (index < 6) this.#set(8, index, isDark);
      else if (index < 8) this.#set(8, index + 1, isDark);
      else if (index === 8) this.#set(7, 8, isDark);
      else this.#set(14 - index, 8, isDark);
      if (index < 8) this.#set(size - 1 - index, 8, isDark);
      else this.#set(8, size - 15 + index, isDark);
    }
    this.#set(8, size - 8, true);
  }

  /** From version 7 on, with its own correction (BCH 18,6), twice. */
  #drawVersion(): void {
    if (this.version < 7) return;
    const bits = (this.version << 12) | checked(this.version, 12, 0x1f25);
    for (let index = 0; index < 18; index += 1) {
      const isDark = ((bits >> index) & 1) === 1;
      const [a, b] = [this.#size - 11 + (index % 3), Math.floor(index / 3)];
      this.#set(a, b, isDark);
      this.#set(b, a, isDark);
    }
  }

  #set(x: number, y: number, isDark: boolean, isFixed = true): void {
    const [dark, fixed] = [this.dark[y], this.#fixed[y]];
    if (!dark || !fixed || x < 0 || x >= this.#size) return;
    dark[x] = isDark;
    if (isFixed) fixed[x] = true;
  }
}

/** The check bits of a BCH code. */
function checked(value: number, bits: number, polynomial: number): number {
  let rest = value;
  for (let step = 0; step < bits; step += 1) rest = (rest << 1) ^ ((rest >> (bits - 1)) * polynomial);
  return rest;
}

/** What makes a code hard to read, by the standard's four rules. */
function penalty(grid: boolean[][]): number {
  const turned = grid.map((_, x) => grid.map((line) => line[x] ?? false));
  const lines = [...grid, ...turned].reduce((total, line) => total + runs(line) + finders(line), 0);
  const dark = grid.flat().filter(Boolean).length / grid.length ** 2;
  return lines + boxes(grid) + Math.floor(Math.abs(dark * 100 - 50) / 5) * 10;
}

function runs(line: boolean[]): number {
  let [total, length] = [0, 1];
  for (let at = 1; at <= line.length; at += 1) {
    if (line[at] === line[at - 1]) length += 1;
    else {
      if (length >= 5) total += length - 2;
      length = 1;
    }
  }
  return total;
}

/** Looks like a mark at a corner: 1:1:3:1:1 with light on a side. */
function finders(line: boolean[]): number {
  const written = line.map((it) => (it ? '1' : '0')).join('');
  let total = 0;
  for (const pattern of ['10111010000', '00001011101']) {
    for (let at = written.indexOf(pattern); at >= 0; at = written.indexOf(pattern, at + 1)) total += 40;
  }
  return total;
}

function boxes(grid: boolean[][]): number {
  let total = 0;
  for (let y = 1; y < grid.length; y += 1) {
    for (let x = 1; x < grid.length; x += 1) {
      const it = grid[y]?.[x];
      if (it === grid[y]?.[x - 1] && it === grid[y - 1]?.[x] && it === grid[y - 1]?.[x - 1]) total += 3;
    }
  }
  return total;
}

function square(size: number): boolean[][] {
  return Array.from({ length: size }, () => Array<boolean>(size).fill(false));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, it) => total + it, 0);
}
