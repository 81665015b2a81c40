// Finding a stream, and the timeline of one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

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
