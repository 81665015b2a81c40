// What operators do: deliveries, redrives, rebuilds, lag, statistics.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

const BUILT = 180_000;

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
