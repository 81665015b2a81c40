// Pictures of every view, light and dark, wide and narrow, for somebody to look at: node pictures.mjs FOLDER

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { begin } from './world.mjs';

const folder = process.argv[2];
if (!folder) throw new Error('a folder is needed: node pictures.mjs FOLDER');
await mkdir(folder, { recursive: true });

const world = await begin();
const id = await world.account();
const user = await world.user('Zoë Lindt');
await world.call('PUT', `/users/${user}/name`, { name: 'Zoë Lindt-Brandauer', reason: 'married' });
await world.call('PUT', `/users/${user}/status`, { status: 'suspended', reason: 'ticket 4711' });
await world.call('DELETE', `/users/${user}?reason=clean-up`);
const account = `stream/account-${id}`;
const places = {
  feed: 'feed',
  streams: 'streams?collection=accounts',
  timeline: `stream/user-${user}/timeline`,
  slider: `${account}/slider?version=2`,
  compare: `${account}/compare?from=1&to=3`,
  accepted: `${account}/what-if?version=2&command=WithdrawMoney&f.amount=5000&run=1`,
  refused: `${account}/what-if?version=1&command=WithdrawMoney&f.amount=500000&run=1`,
  processing: `${account}/deliveries`,
  models: 'models',
  deliveries: 'deliveries?consumer=users',
  rebuilds: 'rebuilds',
  stats: 'stats',
};
for (const [name, place] of Object.entries(places)) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 360]) {
      await world.look(`#${place}`, async (page) => {
        await page.locator('main [aria-busy]').first().waitFor({ state: 'detached' });
        await page.waitForTimeout(600);
        if (name === 'timeline') await page.locator('.event summary').first().click();
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      }, { colorScheme, viewport: { width, height: 800 } });
    }
  }
}
await world.end();
