// What holds for each view.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { world } from './stack.mjs';
import { overflow } from './world.mjs';

test('an answer that comes late is not shown under another question', async () => {
  const id = await world.user('Lars Late');
  const [stream, timestamp, next_cursor] = [`user-${id}`, '2026-11-21T15:47:00.000000Z', null];
  await world.listed(id, '/users?query=lars+late');
  const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const stale = 'stale answer';
  const event = { id, stream, version: 1, type: 'UserRestored', schema_version: 2, timestamp, actor: stale, data: {} };
  const user = { id, name: stale, email: 'late@example.com', status: 'active', created_at: timestamp, updated_at: timestamp, version: 1 };
  const failed = { version: 2, why: stale, attempts: 1, parked: true };
  const delivery = { consumer: 'users', stream, status: 'failed', applied: 1, version: 2, since: timestamp, failed };
  const search = async (page) => {
    await page.getByRole('searchbox').fill('lars late');
    await page.getByRole('searchbox').press('Enter');
  };
  const cases = [
    { place: '#streams?query=nobodyatall', held: '**/users?query=nobodyatall*', answer: { data: [user], next_cursor }, ask: search, expected: ['tbody tr', 'Lars Late'] },
    { place: '#feed?type=UserRestored', held: '**/events?*type=UserRestored*', answer: { data: [event], next_cursor }, ask: (page) => page.getByLabel('Type').selectOption('UserCreated'), expected: ['.event', 'UserCreated'] },
    { place: `#stats?from=${day(9)}&to=${day(1)}`, held: `**/stats?from=${day(9)}&to=${day(1)}`, answer: { days: [], balances: { [stale]: 1 } }, ask: (page) => page.getByLabel('To', { exact: true }).fill(day(0)), expected: ['figure', 'users'] },
    { place: '#deliveries?status=failed', held: '**/deliveries?status=failed*', answer: { data: [delivery], next_cursor, consumers: [] }, ask: (page) => page.getByLabel('Consumer').selectOption('welcome'), expected: ['.empty', 'Nothing such'] },
    { place: `#stream/${stream}/timeline?actor=nobody`, held: '**/history?actor=nobody*', answer: { data: [event], next_cursor }, ask: (page) => page.getByRole('button', { name: 'Clear' }).click(), expected: ['.tab .event', 'UserCreated'] },
    { place: `#stream/${stream}/compare?from=7`, held: '**/diff?from=7*', answer: { from: { version: 1, timestamp }, to: { version: 1, timestamp }, changes: [], patch: [], events: [event], next_cursor }, ask: (page) => page.getByRole('button', { name: 'before the first event' }).first().click(), expected: ['.tab .event', 'UserCreated'] },
  ];
  for (const { place, held, answer, ask, expected: [where, what] } of cases) {
    let letGo;
    const gate = new Promise((done) => { letGo = done; });
    const prepare = (page) => page.route(held, async (route) => {
      await gate;
      // OK because a page that asks something else lets go of what it asked before.
      await route.fulfill({ json: answer }).catch(() => null);
    });
    await world.look(place, async (page) => {
      await page.locator('main [aria-busy]').first().waitFor();
      await ask(page);
      await page.locator(where, { hasText: what }).first().waitFor();
      letGo();
      await page.waitForTimeout(500);
      assert.equal(await page.locator('main').getByText(stale).count(), 0, place);
      await page.locator(where, { hasText: what }).first().waitFor();
      await page.locator('main [aria-busy]').first().waitFor({ state: 'detached' });
    }, { prepare });
  }
});

test('a feed whose filter is changed before it is there, or whose answer fails, goes on', async () => {
  let answers = 0;
  const prepare = (page) => page.route('**/events?*', async (route) => {
    answers += 1;
    if (answers === 1) await page.waitForTimeout(1500);
    if (answers === 2) await route.fulfill({ status: 503, json: { title: 'unavailable', status: 503, detail: 'the store did not answer' } });
    else await route.continue().catch(() => null);
  });
  await world.look('#feed', async (page) => {
    await page.getByLabel('Type').selectOption('UserCreated');
    await page.getByRole('alert').getByText('the store did not answer').waitFor();
    await page.getByText('not live: trying again').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    const late = await world.user('Nina Next');
    await page.locator('.event.is-new', { hasText: late.slice(-4) }).filter({ hasText: 'Nina Next' }).waitFor();
  }, { prepare });
});

test('a view that there is not says so, whatever it is called', async () => {
  for (const place of ['#constructor', '#__proto__', '#toString/x', '#nothing']) {
    await world.look(place, async (page) => {
      await page.getByRole('heading', { name: 'Not found' }).waitFor();
      await page.getByText(`There is no view ${place.slice(1)}`).waitFor();
    });
  }
});

test('a moment is the same in all three ways to show it', async () => {
  const id = await world.user();
  const [{ timestamp }] = (await world.call('GET', `/users/${id}/history`)).data;
  await world.look(`#stream/user-${id}/timeline`, async (page) => {
    const shown = page.locator('.event time').first();
    await page.getByLabel('Times').selectOption('utc');
    assert.equal(await shown.textContent(), `${timestamp.slice(0, 23).replace('T', ' ')} UTC`);
    await page.getByLabel('Times').selectOption('local');
    const local = await shown.textContent();
    assert.match(local, / \+05:30$/);
    assert.equal(new Date(local.replace(' +', '+').replace(' ', 'T')).getTime(), new Date(timestamp).getTime() );
    await page.getByLabel('Times').selectOption('relative');
    assert.match(await shown.textContent(), /now| ago/);
    await page.reload();
    assert.equal(await page.getByLabel('Times').inputValue(), 'relative', 'it is remembered');
  }, { timezoneId: 'Asia/Kolkata' });
});

test('no view is wider than a phone', async () => {
  const id = await world.account();
  const evil = await world.user('Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft');
  const places = ['#feed', '#streams', `#stream/user-${evil}/timeline`, `#stream/account-${id}/timeline`, `#stream/account-${id}/slider`, `#stream/account-${id}/compare?from=1`, `#stream/account-${id}/what-if?version=1&command=WithdrawMoney&f.amount=1&run=1`, `#stream/account-${id}/deliveries`, '#models', '#deliveries?consumer=users', '#rebuilds', '#stats'];
  for (const place of places) {
    await world.look(place, async (page) => {
      await page.locator('.terminal').waitFor();
      await page.locator('main [aria-busy]').first().waitFor({ state: 'detached' });
      await page.waitForTimeout(400);
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
      await page.waitForTimeout(200);
      assert.ok((await overflow(page)) <= 0, `${place} is too wide`);
    }, { viewport: { width: 360, height: 740 } });
  }
});

test('everything is reached by keys', async () => {
  await world.look('#feed', async (page) => {
    await page.locator('h1').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('play or pause').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'the focus follows');
  });
});

test('the lines for the terminal do the same', async () => {
  const id = await world.account();
  await world.listed(id, '/accounts?limit=100');
  await world.listed(id, '/events?window=5m&type=AccountOpened');
  const stream = `stream/account-${id}`;
  const places = {
    [`${stream}/timeline?type=MoneyWithdrawn&actor=local&from=2&to=3`]: /MoneyWithdrawn/,
    [`${stream}/slider?version=2`]: /150000/,
    [`${stream}/slider?version=2&read_model=accounts`]: /150000/,
    [`${stream}/compare?from=1&to=3`]: /130000/,
    [`${stream}/what-if?version=1&command=WithdrawMoney&f.amount=5000&f.description=it%27s%20%24HOME&run=1`]: /it's \$HOME/,
    [`${stream}/deliveries`]: new RegExp(id),
    [`feed?around=${new Date().toISOString()}&window=5m&type=AccountOpened`]: new RegExp(id),
    'stats?from=2026-01-01&to=2026-01-31': /balances/,
    'streams?collection=accounts': new RegExp(id),
    rebuilds: /users|Rebuild/,
    models: /timeline/,
    'deliveries?consumer=users&status=failed': /^/,
  };
  for (const [place, expected] of Object.entries(places)) {
    await world.look(`#${place}`, async (page) => {
      await page.locator('.terminal').waitFor();
      await page.locator('main [aria-busy]').first().waitFor({ state: 'detached' });
      if (place.includes('what-if')) await page.locator('.answer').waitFor();
      await page.getByText('The same from a terminal').click();
      const [curl, tool] = await page.locator('.terminal pre').allTextContents();
      const { stdout } = await promisify(execFile)('sh', ['-c', curl]);
      assert.doesNotMatch(stdout, /urn:strangelog:problem:(?!insufficient)/, `${place}: ${stdout}`);
      assert.match(stdout, place.startsWith('models') ? /consumers/ : expected, `${place}: ${curl}`);
      assert.match(await world.tool(tool), expected, `${place}: ${tool}`);
    });
  }
});

test('the lines for the operators’ tool say which stack they are for', async () => {
  const about = (more) => (page) => page.route('**/console/about.json', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), ...more } }));
  const cases = [
    [{ dynamodb: 'http://127.0.0.1:8123' }, 'strangelog lag --endpoint http://127.0.0.1:8123'],
    [{ dynamodb: null }, 'strangelog lag'],
  ];
  for (const [more, expected] of cases) {
    await world.look('#models', async (page) => {
      await page.getByText('The same from a terminal').click();
      assert.equal(await page.locator('.terminal pre').last().textContent(), expected);
    }, { prepare: about(more) });
  }
});
