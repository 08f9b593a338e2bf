/** Compresses each file of a finished build, once and as far as it goes: `file.br` and `file.gz` beside `file`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Below this a compressed form saves no packet. */
const BYTES_MIN = 512;

const TEXT = /\.(html|js|css|json|svg|webmanifest|txt)$/;

const [folder] = argv.slice(2);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  if (bytes.length < BYTES_MIN) continue;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  keep(`${path}.br`, brotliCompressSync(bytes, { params }), bytes.length);
  keep(`${path}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }), bytes.length);
}

function keep(path, compressed, whole) {
  if (compressed.length < whole) writeFileSync(path, compressed);
}
