// Whatever others wrote, in a name or in a link, is a text, and leads nowhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

const EVIL = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>';

test('markup in a name is shown as a text, and runs nowhere', async () => {
  const id = await world.user(EVIL);
  await world.call('PUT', `/users/${id}/name`, { name: `${EVIL}2`, reason: EVIL });
  await world.listed(id, '/users?limit=100');
  for (const place of ['#feed', `#streams?collection=users`, `#stream/user-${id}/timeline`, `#stream/user-${id}/slider`, `#stream/user-${id}/compare?from=1&to=2`, `#stream/user-${id}/what-if`, `#feed?type=${encodeURIComponent(EVIL)}`, `#${encodeURIComponent(EVIL)}`]) {
    await world.look(place, async (page) => {
      await page.locator('h1').waitFor();
      // OK because the API names the types that there are, and not the one that was asked for.
      if (place.startsWith('#feed?')) await page.getByRole('alert').waitFor();
      else await page.getByText('<img src=x onerror=', { exact: false }).first().waitFor({ state: 'attached' });
      assert.equal(await page.evaluate(() => globalThis.pwned), undefined, place);
      assert.equal(await page.locator('img').count(), 0, place);
      assert.equal(await page.locator('script').count(), 1, 'the page has one script, its own');
    });
  }
});

test('a reason that somebody else wrote is a text', async () => {
  const failed = { version: 2, why: `it cannot be read ${EVIL}`, attempts: 3, parked: true };
  const delivery = { consumer: 'users', stream: 'user-01a1e50a-5950-7a61-8fa4-5be3d833d61d', status: 'failed', applied: 1, version: 2, since: '2026-11-21T15:00:00Z', failed };
  const prepare = (page) => page.route('**/deliveries?*', (route) => route.fulfill({ json: { data: [delivery], next_cursor: null, consumers: [] } }));
  await world.look('#deliveries', async (page) => {
    await page.getByText('it cannot be read <img').waitFor();
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  }, { prepare });
});

test('a link calls no other route than the one that its view is for', async () => {
  const id = await world.account();
  const paths = [];
  const prepare = (page) => page.on('request', (request) => paths.push(new URL(request.url()).pathname));
  const run = 'what-if?command=WithdrawMoney&f.amount=1&run=1';
  for (const name of ['user-..%2Fevents', `account-..%2Faccounts%2F${id}`, `account-${id}%2Fclosure%3F`, `account-${id}%23`, `accounts-${id}`, `constructor-${id}`, 'account-', 'user']) {
    await world.look(`#stream/${name}/${run}`, async (page) => {
      await page.getByText('There is no such stream').waitFor();
    }, { prepare });
  }
  assert.deepEqual(paths.filter((path) => !/^\/console(\/|$)/.test(path)), [], 'nothing was asked of the API');
  await world.look(`#stream/account-${id.toUpperCase()}/${run}`, async (page) => {
    await page.getByRole('heading', { name: 'It would have been accepted' }).waitFor();
  });
});

test('the policy lets no script in, even where a bug made markup of a text', async () => {
  const page = await (await world.browser.newContext()).newPage();
  await page.goto(`${world.api}/console`);
  const refused = await page.evaluate(() => {
    try {
      document.body.innerHTML = '<img src=x onerror="globalThis.pwned=1">';
      return 'made';
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, 'TypeError');
  await page.context().close();
});
