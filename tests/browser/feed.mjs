// What happens, and what happened around it: the feed, and the story that it is there for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

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

test('the feed shows an event as it happens, and pauses', async () => {
  const early = await world.user('Early Bird');
  await world.listed(early);
  await world.look('#feed', async (page) => {
    const rows = page.locator('.event');
    await rows.filter({ hasText: early.slice(-4) }).filter({ hasText: 'Early Bird' }).waitFor();
    assert.equal(await page.locator('.event.is-new').filter({ hasText: early.slice(-4) }).count(), 0, 'what was there is not new');
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
