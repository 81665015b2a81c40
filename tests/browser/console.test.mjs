// The console as a person uses it, in a real browser on a real stack.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { begin, overflow, token } from './world.mjs';

let world;
before(async () => {
  world = await begin();
  // It takes a minute and a half, in which other tests run.
  await world.call('POST', '/rebuilds', { consumer: 'statistics', reason: 'tried in a browser' });
});
after(async () => { await world?.end(); });

const BUILT = 180_000;
const EVIL = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>';

test('who deleted this account, what was its balance an hour before, would a withdrawal of 50 have been allowed then?', async () => {
  await world.look('#feed?since=2592000000', async (page) => {
    await page.getByLabel('Type').selectOption('UserDeleted');
    const deleted = page.locator('.event', { hasText: 'UserDeleted' }).filter({ hasText: 'Sarah Okafor-Lindt' });
    await deleted.getByText('by ben@support').waitFor();
    await deleted.getByText('because: duplicate of Sara Okafor').waitFor();
    await deleted.locator('.type').click();
    await deleted.getByRole('link', { name: 'What else happened around it' }).click();
    await page.getByRole('heading', { name: 'Around a moment' }).waitFor();
    await page.locator('.event', { hasText: 'AccountClosed' }).getByRole('link').first().click();
    await page.locator('.summary').getByText('Last: AccountClosed').waitFor();
    await page.locator('.summary').getByRole('link', { name: 'its state' }).click();
    await page.locator('.tab .tree li', { hasText: 'balance' }).getByText('120.00 EUR').waitFor();
    await page.locator('.summary').getByRole('link', { name: 'what if' }).click();
    await page.getByText('balance 120.00 EUR').waitFor();
    await page.getByLabel('If it had been asked to').selectOption('WithdrawMoney');
    await page.getByLabel('amount').fill('50');
    await page.getByRole('button', { name: 'I mean 50.00 EUR' }).click();
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.getByRole('heading', { name: 'It would have been accepted' }).waitFor();
    await page.locator('.answer').getByText('70.00 EUR').first().waitFor();
    await page.getByRole('button', { name: 'now', exact: true }).click();
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.getByRole('heading', { name: 'It would have been refused' }).waitFor();
    await page.getByText('the account is closed').first().waitFor();
  });
});

test('an id in what is stored leads to what it is of', async () => {
  const owner = await world.user('Olivia Owner');
  const { id } = await world.call('POST', '/accounts', { account_number: `ACC-${owner.slice(-8)}`, currency: 'EUR', initial_deposit: 0, owner });
  await world.look(`#stream/account-${id}/slider`, async (page) => {
    await page.locator('.tab').getByRole('link', { name: owner }).first().click();
    await page.getByRole('heading', { name: `user ${owner}` }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: `account ${id}` }).waitFor();
  });
});

test('the feed shows an event as it happens, and pauses', async () => {
  const early = await world.user('Early Bird');
  await world.listed(early);
  await world.look('#feed', async (page) => {
    const rows = page.locator('.event');
    await rows.filter({ hasText: early.slice(-4) }).filter({ hasText: 'Early Bird' }).waitFor();
    assert.equal(await page.locator('.event.is-new').count(), 0, 'what was there is not new');
    const late = await world.user('Late Comer');
    const fresh = page.locator('.event.is-new').filter({ hasText: late.slice(-4) }).filter({ hasText: 'Late Comer' });
    await fresh.getByText('Late Comer').waitFor();
    await fresh.getByText('new', { exact: true }).waitFor();
    assert.match(await rows.first().textContent(), /Late Comer/, 'the newest is first');
    await page.getByRole('button', { name: 'Pause' }).click();
    const unseen = (await world.user('Nobody Looks')).slice(-4);
    await page.waitForTimeout(5000);
    assert.equal(await rows.filter({ hasText: unseen }).filter({ hasText: 'Nobody Looks' }).count(), 0, 'it is paused');
    await page.getByRole('button', { name: 'Go on' }).click();
    await rows.filter({ hasText: unseen }).filter({ hasText: 'Nobody Looks' }).waitFor();
  });
});

test('a span that the feed does not know is told, and the last day shown', async () => {
  const id = await world.user('Dora Daily');
  await world.listed(id);
  await world.look('#feed?since=abc', async (page) => {
    await page.getByText('“abc” is no time that the feed goes back').waitFor();
    await page.locator('.event').first().waitFor();
    assert.equal(await page.getByLabel('Of', { exact: true }).inputValue(), '86400000');
    await page.getByLabel('Of', { exact: true }).selectOption('3600000');
    await page.getByText('“abc”').waitFor({ state: 'hidden' });
  });
});

test('an answer that comes late is not shown under another question', async () => {
  const id = await world.user('Lars Late');
  await world.listed(id, '/users?query=lars+late');
  const cases = [
    ['#streams?query=nobodyatall', '**/users?query=nobodyatall*', (page) => page.getByRole('searchbox').fill('lars late').then(() => page.getByRole('searchbox').press('Enter')), 'Lars Late', 'Nothing is found by'],
    ['#feed?type=UserRestored', '**/events?*type=UserRestored*', (page) => page.getByLabel('Type').selectOption('UserCreated'), 'UserCreated', 'UserRestored'],
    ['#stats?from=2026-01-01&to=2026-01-02', '**/stats?from=2026-01-01*', (page) => page.getByLabel('To', { exact: true }).fill('').then(() => page.getByLabel('From').fill('')), 'EUR', 'Nothing happened on these days'],
    ['#deliveries?status=failed', '**/deliveries?status=failed*', (page) => page.getByLabel('Consumer').selectOption('users'), 'Redrive all that users has parked', 'the database is away'],
    [`#stream/user-${id}/timeline?actor=nobody`, '**/history?actor=nobody*', (page) => page.getByRole('button', { name: 'Clear' }).click(), 'UserCreated', 'No event of this stream fits'],
    [`#stream/user-${id}/compare?from=7`, '**/diff?from=7*', (page) => page.getByRole('button', { name: 'before the first event' }).first().click(), 'UserCreated', 'The events between them None'],
  ];
  for (const [place, held, another, expected, never] of cases) {
    let letGo;
    const gate = new Promise((done) => { letGo = done; });
    const prepare = (page) => page.route(held, async (route) => {
      await gate;
      // OK because a page that asks something else lets go of what it asked before.
      await route.continue().catch(() => null);
    });
    await world.look(place, async (page) => {
      await page.locator('main [aria-busy]').first().waitFor();
      await another(page);
      await page.locator('main').getByText(expected).filter({ visible: true }).first().waitFor();
      letGo();
      await page.waitForTimeout(1000);
      assert.equal(await page.locator('main [aria-busy]').count(), 0, place);
      assert.equal(await page.locator('main').getByText(never).filter({ visible: true }).count(), 0, place);
    }, { prepare });
  }
});

test('an event shows all that is stored of it', async () => {
  const id = await world.user();
  const [event] = (await world.call('GET', `/users/${id}/history`)).data;
  await world.look(`#stream/user-${id}/timeline`, async (page) => {
    await page.locator('.event summary').click();
    const body = page.locator('.event-body');
    for (const [name, value] of Object.entries(event)) {
      await body.getByText(name, { exact: true }).first().waitFor();
      if (typeof value === 'string') await body.getByText(value).first().waitFor();
    }
    await body.getByText(event.data.email).waitFor();
  });
});

test('the URL keeps the filters of a timeline', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/timeline`, async (page) => {
    const types = page.locator('.tab .event .type');
    await types.nth(2).waitFor();
    assert.deepEqual(await types.allTextContents(), ['AccountOpened', 'MoneyDeposited', 'MoneyWithdrawn']);
    await page.getByLabel('Type').selectOption('MoneyWithdrawn');
    await page.getByLabel('From').fill('2');
    await page.getByLabel('From').press('Enter');
    await page.getByLabel('Actor').fill('local');
    await page.getByLabel('Actor').press('Enter');
    await page.waitForFunction(() => location.hash.includes('actor=local') && location.hash.includes('from=2'));
    const one = async () => {
      await page.waitForFunction(() => document.querySelectorAll('.tab .event').length === 1);
      assert.deepEqual(await types.allTextContents(), ['MoneyWithdrawn']);
    };
    await one();
    await page.reload();
    await one();
    assert.equal(await page.getByLabel('Type').inputValue(), 'MoneyWithdrawn');
    await page.getByLabel('Actor').fill('nobody-else');
    await page.getByLabel('Actor').press('Enter');
    await page.getByText('No event of this stream fits').waitFor();
  });
});

test('the slider steps by button, key and play, and marks what changed', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/slider?version=1`, async (page) => {
    const balance = page.locator('.tab .tree li', { hasText: 'balance' }).first();
    const is = (text) => balance.getByText(text).first().waitFor();
    await page.getByText('Version 1 of 3').waitFor();
    await is('1,000.00 EUR');
    await page.keyboard.press('ArrowRight');
    await page.getByText('Version 2 of 3').waitFor();
    await is('1,500.00 EUR');
    assert.match(await balance.getAttribute('class'), /changed/);
    assert.match(await page.locator('.tab .tree li', { hasText: 'currency' }).first().getAttribute('class'), /^$/);
    await balance.locator('del', { hasText: '100000' }).waitFor();
    await page.locator('.tab .event', { hasText: 'MoneyDeposited' }).waitFor();
    await page.keyboard.press('End');
    await is('1,300.00 EUR');
    await page.keyboard.press('Home');
    await is('1,000.00 EUR');
    await page.getByRole('button', { name: 'One version on' }).click();
    await is('1,500.00 EUR');
    assert.match(page.url(), /version=2/);
    await page.reload();
    await is('1,500.00 EUR');
    await page.keyboard.press('Home');
    await page.keyboard.press(' ');
    await page.getByText('Version 3 of 3').waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
  });
});

test('a version that there is not is told, and the last one shown', async () => {
  const id = await world.account();
  for (const version of ['999', 'abc', '0', '1.5']) {
    await world.look(`#stream/account-${id}/slider?version=${version}`, async (page) => {
      await page.getByText(`There is no version ${version} of this stream`).waitFor();
      await page.getByText('Version 3 of 3').waitFor();
      if (version !== '999') return;
      await page.getByRole('button', { name: 'One version back' }).click();
      await page.getByText('Version 2 of 3').waitFor();
      await page.getByText('There is no version').waitFor({ state: 'detached' });
      await page.getByLabel('Jump to').fill('77');
      await page.getByLabel('Jump to').press('Enter');
      await page.getByText('There is no version 77').waitFor();
    });
  }
});

test('the keys work while the slider has the focus', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/slider?version=1`, async (page) => {
    await page.getByText('Version 1 of 3').waitFor();
    await page.getByRole('slider').focus();
    await page.keyboard.press('ArrowUp');
    await page.getByText('Version 2 of 3').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText('Version 3 of 3').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('slider').focus();
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.getByRole('heading', { name: 'Feed' }).waitFor();
  });
});

test('the slider finds the version of a time', async () => {
  const id = await world.account();
  const { data } = await world.call('GET', `/accounts/${id}/history`);
  await world.look(`#stream/account-${id}/slider`, async (page) => {
    await page.getByText('Version 3 of 3').waitFor();
    await page.getByLabel('Jump to').fill(data[1].timestamp);
    await page.getByLabel('Jump to').press('Enter');
    await page.getByText('Version 2 of 3').waitFor();
    await page.getByLabel('Jump to').fill('2020-01-01 10:00');
    await page.getByLabel('Jump to').press('Enter');
    await page.getByText('there was nothing yet').waitFor();
    await page.getByLabel('Jump to').fill('the day before');
    await page.getByLabel('Jump to').press('Enter');
    await page.getByText('is no moment').waitFor();
  });
});

test('the slider shows what a read model held, too', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/slider?version=2`, async (page) => {
    await page.getByLabel('Of', { exact: true }).selectOption('accounts');
    await page.getByRole('heading', { name: 'The document of accounts' }).waitFor();
    await page.locator('.tab .tree li', { hasText: 'balance' }).getByText('1,500.00 EUR').first().waitFor();
    await page.locator('.tab .tree li', { hasText: 'created_at' }).first().waitFor();
    assert.match(page.url(), /read_model=accounts/);
  });
});

test('two moments are compared, with a patch to copy', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/compare?from=1&to=3`, async (page) => {
    const row = page.locator('table.changes tr', { hasText: '/balance' });
    await row.getByText('1,000.00 EUR').waitFor();
    await row.getByText('1,300.00 EUR').waitFor();
    assert.deepEqual(await row.getByRole('link').allTextContents(), ['2', '3'], 'the events that did it');
    assert.equal(await page.locator('table.changes tbody tr').count(), 1);
    assert.deepEqual(await page.locator('.tab .event .type').allTextContents(), ['MoneyDeposited', 'MoneyWithdrawn']);
    await page.getByText('As a patch').click();
    await page.getByRole('button', { name: 'Copy the patch' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const patch = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.deepEqual(patch, [{ op: 'replace', path: '/balance', value: 130000 }]);
    await page.getByRole('button', { name: 'Swap' }).click();
    await page.waitForFunction(() => location.hash.includes('from=3'));
    await page.locator('table.changes tr', { hasText: '/balance' }).getByText('1,000.00 EUR').waitFor();
  });
});

test('all events between two moments count, those of further pages, too', async () => {
  const id = await world.account();
  for (let version = 4; version <= 103; version += 1) await world.call('POST', `/accounts/${id}/deposits`, { amount: 1 });
  await world.look(`#stream/account-${id}/compare?from=1`, async (page) => {
    const row = page.locator('table.changes tr', { hasText: '/balance' });
    await page.getByRole('columnheader', { name: 'by version: of the events shown' }).waitFor();
    assert.deepEqual((await row.getByRole('link').allTextContents()).slice(-1), ['101']);
    await page.getByRole('button', { name: 'Later events' }).click();
    await page.getByRole('columnheader', { name: 'by version', exact: true }).waitFor();
    assert.deepEqual((await row.getByRole('link').allTextContents()).slice(-2), ['102', '103']);
    assert.equal(await row.getByRole('link').count(), 102, 'each of them once');
  });
});

test('what if: accepted with its events and state, or refused by a rule; nothing is written', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/what-if?version=2`, async (page) => {
    await page.getByText('Nothing is written.', { exact: false }).first().waitFor();
    await page.getByLabel('If it had been asked to').selectOption('WithdrawMoney');
    const amount = page.getByLabel('amount');
    await amount.fill('50');
    await page.getByText('0.50 EUR').waitFor();
    await page.getByRole('button', { name: 'I mean 50.00 EUR' }).click();
    assert.equal(await amount.inputValue(), '5000');
    await page.getByRole('button', { name: 'What if?' }).click();
    const accepted = page.locator('.answer.accepted');
    await accepted.getByText('It would have been accepted').waitFor();
    await accepted.getByText('MoneyWithdrawn').first().waitFor();
    await accepted.getByText('1,450.00 EUR').first().waitFor();
    await amount.fill('9999999');
    await page.getByRole('button', { name: 'What if?' }).click();
    const refused = page.locator('.answer.refused');
    await refused.getByText('It would have been refused').waitFor();
    await refused.getByText(/balance of 150000/).waitFor();
    await refused.locator('.tree li', { hasText: 'balance' }).getByText('1,500.00 EUR').waitFor();
    await amount.fill('');
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.getByRole('alert').getByText('amount').waitFor();
    await amount.fill('lots');
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.getByRole('alert').getByText('must be a whole number').waitFor();
  });
  assert.equal((await world.call('GET', `/accounts/${id}/history`)).data.length, 3, 'nothing was written');
});

test('a link to a what-if shows its answer', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/what-if?version=1&command=WithdrawMoney&f.amount=100001&run=1`, async (page) => {
    await page.getByRole('heading', { name: 'It would have been refused' }).waitFor();
  });
});

test('an answer to a what-if goes with its question', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/what-if?version=2&command=WithdrawMoney&f.amount=50&run=1`, async (page) => {
    const asked = (text) => page.getByRole('heading', { name: text }).waitFor();
    const amount = page.getByLabel('amount');
    const ask = page.getByRole('button', { name: 'What if?' });
    const none = async (why) => {
      assert.equal(await page.locator('.answer').count(), 0, why);
      assert.doesNotMatch(page.url(), /run=1/, why);
    };
    await asked('It would have been accepted: WithdrawMoney 0.50 EUR');
    await page.getByRole('button', { name: 'I mean 50.00 EUR' }).click();
    await asked('It would have been accepted: WithdrawMoney 50.00 EUR');
    assert.match(page.url(), /f\.amount=5000&run=1/);
    await amount.fill('9999999');
    await none('another amount');
    await ask.click();
    await asked('It would have been refused: WithdrawMoney 99,999.99 EUR');
    await page.getByRole('button', { name: 'the first version' }).click();
    await none('another moment');
    await ask.click();
    await asked('It would have been refused');
    await page.getByLabel('At', { exact: true }).fill('2');
    await none('a moment that is being typed');
    await amount.fill('70');
    await ask.click();
    await asked('It would have been accepted: WithdrawMoney 0.70 EUR');
    await page.getByLabel('If it had been asked to').selectOption('DepositMoney');
    await none('another command');
    assert.match(page.url(), /command=DepositMoney/);
  });
});

test('a link asks no what-if that it does not hold', async () => {
  const id = await world.account();
  for (const command of ['events', 'constructor']) {
    const posts = [];
    const prepare = (page) => page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    await world.look(`#stream/account-${id}/what-if?command=${command}&run=1`, async (page) => {
      await page.getByText('It was then at version 3').waitFor();
      await page.waitForTimeout(500);
    }, { prepare });
    assert.deepEqual(posts, [], command);
  }
});

test('events of one’s own may be tried', async () => {
  const id = await world.account();
  await world.look(`#stream/account-${id}/what-if?version=1`, async (page) => {
    await page.getByLabel('If it had been asked to').selectOption('events');
    const events = [{ type: 'MoneyDeposited', data: { amount: 100, currency: 'EUR' } }];
    await page.getByLabel('Events', { exact: true }).fill(JSON.stringify(events));
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.locator('.answer').getByText('1,001.00 EUR').first().waitFor();
    await page.getByRole('heading', { name: 'This is what would have come of these events; no rule was asked' }).waitFor();
    assert.equal(await page.locator('.answer.accepted').count(), 0, 'nobody approved of them');
    assert.doesNotMatch(page.url(), /run=1/, 'a link does not hold them');
    await page.getByLabel('Events', { exact: true }).fill('{');
    await page.getByRole('button', { name: 'What if?' }).click();
    await page.getByText('this is no JSON').waitFor();
  });
});

test('a redrive needs a reason, and is asked for once', async () => {
  await world.look('#deliveries?consumer=users', async (page) => {
    const posts = [];
    page.on('request', (request) => request.method() === 'POST' && posts.push(request));
    await page.getByRole('button', { name: 'Redrive all that users has parked' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Redrive' }).click();
    await dialog.getByText('A reason is needed').waitFor();
    await dialog.getByLabel('Reason').fill('   ');
    await dialog.getByRole('button', { name: 'Redrive' }).click();
    assert.equal(posts.length, 0, 'nothing is sent without a reason');
    await dialog.getByLabel('Reason').fill('mended in build 4711');
    await dialog.getByRole('button', { name: 'Redrive' }).click();
    await dialog.waitFor({ state: 'detached' });
    const asked = await page.locator('.done code').textContent();
    assert.equal(posts.length, 1);
    assert.ok(posts[0].headers()['idempotency-key'], 'a second try does it once');
    const operation = await world.call('GET', `/rebuilds/${asked.replace('ops-', '')}`);
    assert.equal(operation.consumer, 'users');
    assert.equal(operation.asked[0].reason, 'mended in build 4711');
  });
});

test('what is parked is told with its reason, and taken in once it is mended and redriven', async () => {
  const { id, mend } = await world.spoilt();
  await world.look('#deliveries?consumer=users', async (page) => {
    const row = page.locator('tbody tr', { has: page.locator(`a[href*="${id}"]`) });
    await row.getByText('of type UserNameLost cannot be read').waitFor();
    await row.getByText('parked', { exact: true }).waitFor();
    await row.getByText('2 of 3').waitFor();
    const redrive = async (reason) => {
      await row.getByRole('button', { name: 'Redrive' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(`tries again to take in user-${id}`).waitFor();
      await dialog.getByLabel('Reason').fill(reason);
      await dialog.getByRole('button', { name: 'Redrive' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.locator('.done').getByText('The redrive is asked for').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.className), 'done', 'it is read from there on');
    };
    await redrive('to see whether it goes by now');
    await row.getByText('tried 2 times').waitFor();
    await mend();
    await redrive('the commit is mended');
    await row.waitFor({ state: 'detached' });
  });
  await world.look(`#stream/user-${id}/deliveries`, async (page) => {
    await page.locator('.tab tbody tr', { has: page.getByRole('rowheader', { name: 'users', exact: true }) }).getByText('completed').waitFor();
  });
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

test('one stream is reprocessed alone', async () => {
  const id = await world.user();
  await world.look(`#stream/user-${id}/deliveries`, async (page) => {
    await page.locator('.tab tbody tr', { hasText: 'timeline' }).getByText('completed').waitFor();
    await page.getByRole('button', { name: 'Reprocess' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('ticket 4712');
    await dialog.getByRole('button', { name: 'Reprocess' }).click();
    const asked = await page.locator('.done code').textContent();
    const operation = await world.call('GET', `/rebuilds/${asked.replace('ops-', '')}`);
    assert.equal(operation.stream, `user-${id}`);
  });
});

test('a rebuild is asked for, seen, and let go', async () => {
  await world.look('#rebuilds', async (page) => {
    const card = page.getByRole('region', { name: 'transfers' });
    await card.getByRole('button', { name: 'Rebuild' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('tried in a browser');
    await page.getByRole('dialog').getByRole('button', { name: 'Rebuild' }).click();
    await card.getByText('Generation 1 is in the making').waitFor();
    await card.getByText('because: tried in a browser').waitFor();
    assert.equal(await card.getByRole('button', { name: 'Switch to it' }).isDisabled(), true);
    await card.getByText('it is not built yet').waitFor();
    await card.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('enough seen');
    await page.getByRole('dialog').getByRole('button', { name: 'Let it go' }).click();
    await card.getByText('in the making').waitFor({ state: 'detached' });
  });
});

test('a rebuild that is built is switched to, and back, and let go', async () => {
  await world.look('#rebuilds', async (page) => {
    const card = page.getByRole('region', { name: 'statistics' });
    const act = async (button, label) => {
      await card.getByRole('button', { name: button }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill(`${button}: tried in a browser`);
      await dialog.getByRole('button', { name: label, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await card.getByText('Generation 1 is built').waitFor({ timeout: BUILT });
    await card.getByText('Generation 0 is shown').waitFor();
    await act('Switch to it', 'Switch');
    await card.getByText('Generation 1 is shown').waitFor();
    await card.getByText('Generation 0 is kept').waitFor();
    await act('Switch back', 'Switch');
    await card.getByText('Generation 0 is shown').waitFor();
    await card.getByText('because: Switch back: tried in a browser').waitFor();
    await act('Switch to 1 again', 'Switch');
    await card.getByText('Generation 1 is shown').waitFor();
    await act('Let go of 0', 'Let it go');
    await card.getByText('is kept').waitFor({ state: 'detached' });
  });
  await world.look('#stats', async (page) => {
    await page.locator('figure', { hasText: 'money in EUR' }).locator('rect').first().waitFor();
  });
});

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

test('a view that there is not says so, whatever it is called', async () => {
  for (const place of ['#constructor', '#__proto__', '#toString/x', '#nothing']) {
    await world.look(place, async (page) => {
      await page.getByRole('heading', { name: 'Not found' }).waitFor();
      await page.getByText(`There is no view ${place.slice(1)}`).waitFor();
    });
  }
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

test('a token without ops:write turns buttons off, and says why', async () => {
  await world.look('#deliveries?consumer=users', async (page) => {
    const button = page.getByRole('button', { name: 'Redrive all that users has parked' });
    await button.waitFor();
    assert.equal(await button.isEnabled(), true, 'the local stack asks for no token');
    const paste = async (claims) => {
      await page.getByRole('button', { name: /^As / }).click();
      await page.getByRole('dialog').getByLabel('A token').fill(token(claims));
      await page.getByRole('button', { name: 'Use this token' }).click();
      await button.waitFor();
    };
    await paste({ sub: 'nora', scope: 'audit:read users:read' });
    await page.getByText('your token has no scope ops:write').waitFor();
    assert.equal(await button.isDisabled(), true);
    assert.match(await button.getAttribute('title'), /no scope ops:write/);
    await page.getByRole('button', { name: 'As nora' }).waitFor();
    await paste({ sub: 'nora', scope: 'audit:read ops:write', exp: 1 });
    await page.getByText('your token has expired').waitFor();
    await paste({ sub: 'nora', scp: ['audit:read', 'ops:write'] });
    await page.getByText('your token has').waitFor({ state: 'detached' });
    assert.equal(await button.isEnabled(), true);
    await page.getByText('The same from a terminal').click();
    await page.getByText('Authorization: Bearer $TOKEN').waitFor();
  });
});

test('who is not let in is told what is missing', async () => {
  const answers = [{ status: 401, json: { message: 'Unauthorized' } }, { status: 403, json: { title: 'forbidden', status: 403, detail: 'needs the scope audit:read', scope: 'audit:read' } }];
  for (const answer of answers) {
    const prepare = (page) => page.route('**/stats*', (route) => (route.request().resourceType() === 'script' ? route.continue() : route.fulfill(answer)));
    await world.look('#stats', async (page) => {
      await page.getByRole('alert').getByText(answer.status === 401 ? 'Paste a token' : 'What is missing is the scope audit:read').waitFor();
    }, { prepare });
  }
});

test('people sign in by code and PKCE', async () => {
  const { api } = world;
  let challenge;
  let forged = false;
  let tokens = 0;
  const prepare = async (page) => {
    const auth = { client_id: 'console', authorize_url: `${api}/authorize`, token_url: `${api}/token`, scopes: ['audit:read', 'ops:write'] };
    await page.route('**/console/about.json', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), auth } }));
    await page.route('**/authorize?*', (route) => {
      const asked = new URL(route.request().url()).searchParams;
      challenge = asked.get('code_challenge');
      assert.deepEqual([asked.get('response_type'), asked.get('code_challenge_method'), asked.get('scope')], ['code', 'S256', 'audit:read ops:write']);
      return route.fulfill({ status: 302, headers: { location: `${asked.get('redirect_uri')}?code=4711&state=${forged ? 'forged' : asked.get('state')}` } });
    });
    await page.route('**/token', (route) => {
      tokens += 1;
      const sent = new URLSearchParams(route.request().postData());
      assert.equal(createHash('sha256').update(sent.get('code_verifier')).digest('base64url'), challenge);
      return route.fulfill({ json: { access_token: token({ sub: 'nora', scope: sent.get('code') === '4711' ? 'audit:read ops:write' : '' }) } });
    });
  };
  await world.look('#stats', async (page) => {
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'As nora' }).waitFor();
    assert.equal(page.url(), `${api}/console#stats`, 'neither code nor state is left in the URL');
    await page.goto(`${api}/console?code=4711&state=forged#stats`);
    await page.getByText('that sign-in was not begun here').waitFor();
    forged = true;
    await page.getByRole('button', { name: 'As nora' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('that sign-in was not begun here').waitFor();
    assert.equal(tokens, 1, 'a code that comes with another state is not turned in');
  }, { prepare });
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
    assert.match(await shown.textContent(), /now|s ago/);
    await page.reload();
    assert.equal(await page.getByLabel('Times').inputValue(), 'relative', 'it is remembered');
  }, { timezoneId: 'Asia/Kolkata' });
});

test('a stream is found by a part of a name, by its id, and after it is gone', async () => {
  const id = await world.user('Quirin Unverwechselbar');
  await world.listed(id, '/users?query=unverwechs');
  await world.look('#streams', async (page) => {
    const search = page.getByRole('search').getByRole('searchbox');
    await search.fill('unverwechs');
    await search.press('Enter');
    await page.locator('tbody tr', { hasText: 'Quirin Unverwechselbar' }).waitFor();
    await search.fill(id);
    await search.press('Enter');
    await page.getByRole('heading', { name: `user ${id}` }).waitFor();
  });
  await world.call('DELETE', `/users/${id}?reason=by+mistake`);
  await world.listed(id, '/events?window=5m&type=UserDeleted');
  await world.look(`#streams`, async (page) => {
    await page.getByRole('link', { name: 'UserDeleted' }).click();
    await page.locator('.event', { hasText: 'Quirin Unverwechselbar' }).getByRole('link').click();
    const summary = page.locator('.summary');
    await summary.locator('.badge').getByText('deleted').waitFor();
    assert.match(await summary.textContent(), /UserDeleted by local.*because: by mistake/);
  });
});

test('the page of a stream leads to the hour before it ended, whatever came after that', async () => {
  const id = await world.user();
  await world.call('DELETE', `/users/${id}?reason=by+mistake`);
  await world.call('POST', `/users/${id}/restoration`, { reason: 'it was a mistake' });
  await world.listed(id, '/events?window=5m&type=UserRestored');
  await world.look(`#stream/user-${id}`, async (page) => {
    const summary = page.locator('.summary');
    await summary.getByText('Last: UserRestored').waitFor();
    await summary.getByText('An hour before UserDeleted (version 2):').waitFor();
    await summary.getByRole('link', { name: 'What happened around UserDeleted' }).click();
    await page.getByRole('heading', { name: 'Around a moment' }).waitFor();
    await page.locator('.event', { hasText: 'UserRestored' }).first().waitFor();
  });
});

test('read models show how far they are, and whether it gets better', async () => {
  await world.user();
  await world.look('#models', async (page) => {
    const row = page.locator('tbody tr', { hasText: 'users' }).first();
    await row.getByText('up to date').waitFor();
    await row.locator('svg[aria-label*="over the last"]').waitFor();
    await page.waitForFunction(() => document.querySelector('svg.spark')?.getAttribute('aria-label').includes('last 2 looks'));
  });
});

test('statistics are drawn, and stand in a table', async () => {
  await world.account();
  await world.look('#stats', async (page) => {
    const chart = page.locator('figure', { hasText: 'money in EUR' });
    await chart.locator('rect').first().waitFor();
    await chart.getByText('As a table').click();
    await chart.getByRole('cell').first().waitFor();
    await page.locator('.figures', { hasText: 'EUR' }).waitFor();
  });
});

test('no view is wider than a phone', async () => {
  const id = await world.account();
  const evil = await world.user('Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft');
  const places = ['#feed', '#streams', `#stream/user-${evil}/timeline`, `#stream/account-${id}/timeline`, `#stream/account-${id}/slider`, `#stream/account-${id}/compare?from=1`, `#stream/account-${id}/what-if?version=1&command=WithdrawMoney&f.amount=1&run=1`, `#stream/account-${id}/deliveries`, '#models', '#deliveries?consumer=users', '#rebuilds', '#stats'];
  for (const place of places) {
    await world.look(place, async (page) => {
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

test('an API that is gone is told, and taken up again when it is back', async () => {
  await world.look('#feed', async (page) => {
    await page.getByText('live', { exact: true }).waitFor();
    await page.route('**/events?*', (route) => route.abort());
    await page.getByText('not live: trying again').waitFor();
    await page.getByText('the API cannot be reached').waitFor();
    await page.unroute('**/events?*');
    await page.getByText('live', { exact: true }).waitFor({ timeout: 40_000 });
    await page.getByText('the API cannot be reached').waitFor({ state: 'detached' });
  });
});
