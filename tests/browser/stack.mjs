// The one stack that all tests look at, and the browser.

import { after, before } from 'node:test';
import { begin } from './world.mjs';

export let world;
before(async () => {
  world = await begin();
  // It takes a minute and a half, in which other tests run.
  await world.call('POST', '/rebuilds', { consumer: 'statistics', reason: 'tried in a browser' });
});
after(async () => { await world?.end(); });
