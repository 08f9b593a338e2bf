/**
 * Makes a picture of a page small: the 256 colours that it has most, each other pixel in the nearest of
 * them, packed as tightly as can be. Takes 8 bits a channel, with or without alpha, as the browser writes.
 */
import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;
const COLOURS_MAX = 256;

/** So little apart no eye tells two colours from each other. */
const ALIKE = 8;

export function packed(png: Buffer): Buffer {
  const { width, height, bytes, pixels } = read(png);
  const colours = new Map<number, number>();
  const at = (index: number) => ((pixels[index * bytes] ?? 0) << 16) | ((pixels[index * bytes + 1] ?? 0) << 8) | (pixels[index * bytes + 2] ?? 0);
  for (let index = 0; index < width * height; index += 1) colours.set(at(index), (colours.get(at(index)) ?? 0) + 1);
  const palette = chosen([...colours].sort((a, b) => b[1] - a[1]).map(([colour]) => colour));
  const places = new Map(palette.map((colour, place) => [colour, place]));
  // A line begins with its filter, and has none.
  const lines = Buffer.alloc((width + 1) * height);
  for (let index = 0; index < width * height; index += 1) {
    const colour = at(index);
    let place = places.get(colour);
    if (place === undefined) places.set(colour, (place = nearest(palette, colour)));
    lines[Math.floor(index / width) * (width + 1) + 1 + (index % width)] = place;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const table = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const data = deflateSync(lines, { level: 9, memLevel: 9 });
  const chunks = [chunk('IHDR', header), chunk('PLTE', table), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([png.subarray(0, SIGNATURE_BYTES), ...chunks]);
}

/** The pixels without their filters. */
function read(png: Buffer): { width: number; height: number; bytes: number; pixels: Buffer } {
  const parts: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const [width, height, bytes] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3];
  const packedLines = inflateSync(Buffer.concat(parts));
  const stride = width * bytes;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = packedLines[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x += 1) {
      const left = x >= bytes ? (pixels[y * stride + x - bytes] ?? 0) : 0;
      const above = y > 0 ? (pixels[(y - 1) * stride + x] ?? 0) : 0;
      const corner = x >= bytes && y > 0 ? (pixels[(y - 1) * stride + x - bytes] ?? 0) : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter] ?? 0;
      pixels[y * stride + x] = ((packedLines[y * (stride + 1) + 1 + x] ?? 0) + guess) & 255;
    }
  }
  return { width, height, bytes, pixels };
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** The most frequent first; one that is nearly there already would take the place of one that is not. */
function chosen(colours: number[]): number[] {
  const palette: number[] = [];
  for (const colour of colours) {
    if (palette.length === COLOURS_MAX) break;
    if (palette.every((it) => apart(it, colour) > ALIKE)) palette.push(colour);
  }
  return palette;
}

function nearest(palette: number[], colour: number): number {
  let [best, least] = [0, Infinity];
  for (const [place, it] of palette.entries()) {
    const far = apart(it, colour);
    if (far < least) [best, least] = [place, far];
  }
  return best;
}

/** Squared, over the three channels. */
function apart(one: number, other: number): number {
  const [r, g, b] = [(one >> 16) - (other >> 16), ((one >> 8) & 255) - ((other >> 8) & 255), (one & 255) - (other & 255)];
  return r * r + g * g + b * b;
}

function chunk(kind: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** As PNG has it (ISO 3309). */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ 0xffffffff) >>> 0;
}
