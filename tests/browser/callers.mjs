// Who looks, and what they may.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { world } from './stack.mjs';
import { token } from './world.mjs';

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
