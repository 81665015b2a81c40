// What if.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { world } from './stack.mjs';

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
