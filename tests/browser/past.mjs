// The slider and compare.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

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

test('a moment that is found late moves nothing that was chosen since', async () => {
  const id = await world.account();
  const { data } = await world.call('GET', `/accounts/${id}/history`);
  let letGo;
  const gate = new Promise((done) => { letGo = done; });
  const prepare = (page) => page.route('**/state?at=*', async (route) => {
    await gate;
    // OK because a page that asks something else lets go of what it asked before.
    await route.continue().catch(() => null);
  });
  await world.look(`#stream/account-${id}/slider`, async (page) => {
    await page.getByText('Version 3 of 3').waitFor();
    await page.getByLabel('Jump to').fill(data[1].timestamp);
    await page.getByLabel('Jump to').press('Enter');
    await page.getByRole('button', { name: 'The first version (Home)' }).click();
    await page.getByText('Version 1 of 3,').waitFor();
    letGo();
    await page.waitForTimeout(1000);
    assert.equal(await page.getByText('Version 1 of 3,').count(), 1);
  }, { prepare });
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
