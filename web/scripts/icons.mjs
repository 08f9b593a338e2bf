/** Draws the icons of an installed app from the favicon. Run it when the favicon changes, and commit what it made. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

/** `bleed`: the ground fills the icon, because the system cuts its own shape out of it. `part`: how much of it the sign takes. */
const ICONS = [
  { name: 'icon-192.png', size: 192, bleed: false, part: 1 },
  { name: 'icon-512.png', size: 512, bleed: false, part: 1 },
  { name: 'icon-maskable-512.png', size: 512, bleed: true, part: 0.6 },
  { name: 'apple-touch-icon.png', size: 180, bleed: true, part: 0.7 },
];

const GROUND = '#fbf7f2';

const folder = new URL('../public/', import.meta.url);
const sign = readFileSync(new URL('favicon.svg', folder), 'utf8');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
for (const { name, size, bleed, part } of ICONS) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body{margin:0;display:grid;place-items:center;height:100vh;background:${bleed ? GROUND : 'none'}}svg{width:${100 * part}%}</style>${sign}`,
  );
  await page.screenshot({ path: fileURLToPath(new URL(name, folder)), omitBackground: !bleed });
}
await browser.close();
