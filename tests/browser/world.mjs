// A stack, a browser, and pages that are watched: whatever they load from elsewhere, or their policy forbids, fails the test.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../..');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** The first build takes some minutes. */
const READY = 20 * 60_000;
export const PATIENCE = 45_000;
/** Each answer comes up to so many milliseconds later, and so in another order: it finds what relies on one. */
const SLOW = Number(process.env.SLOW ?? 0);

/** Starts a stack of its own on which a month has passed, or takes the one that `API` names; and a browser. */
export async function begin() {
  const { API } = process.env;
  const stack = API ? { api: API.replace(/\/$/, ''), stop: async () => {} } : await started();
  const options = { executablePath: CHROMIUM, args: ['--no-sandbox'] };
  const browser = await chromium.launch(options).catch(async (error) => {
    await stack.stop();
    throw error;
  });
  return new World(stack, browser);
}

async function started() {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  const file = join(folder, 'ready.json');
  const child = spawn('cargo', ['run', '--locked', '--quiet', '--', '--port', '0', '--ready-file', file, 'demo'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, RUST_LOG: 'warn,dynoxide=error' } });
  let [log, told] = ['', ''];
  child.stderr.on('data', (some) => { log += some; });
  child.stdout.on('data', (some) => { told += some; });
  const ended = new Promise((done) => child.once('exit', done));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  };
  for (const until = Date.now() + READY; !existsSync(file) || !told.includes('Ctrl-C'); await sleep(200)) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`the stack did not start:\n${told}\n${log}`);
    }
  }
  const { api, console } = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(console, `${api}/console`);
  return { api, stop };
}

class World {
  constructor(stack, browser) {
    this.api = stack.api;
    this.stack = stack;
    this.browser = browser;
  }

  async end() {
    await this.browser.close();
    await this.stack.stop();
  }

  /** Calls the API; anything but success fails the test. */
  async call(method, path, body) {
    const response = await fetch(this.api + path, { method, body: body && JSON.stringify(body), headers: body ? { 'content-type': 'application/json' } : {} });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** Runs a line of the operators' tool in a shell, as it is shown; resolves to what it says. */
  async tool(line) {
    const binary = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug/strangelog');
    assert.match(line, /^strangelog /);
    const ran = promisify(execFile)('sh', ['-c', `"$0" ${line.slice('strangelog '.length)} --output json`, binary], { timeout: PATIENCE });
    // OK because it ends with 1 where it found something, such as a stream that is behind.
    const { stdout } = await ran.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
    return stdout;
  }

  /** Waits until the events of a stream are among those of all streams, which takes a moment. */
  async listed(id, list = '/events?window=5m&limit=100') {
    const until = Date.now() + PATIENCE;
    while (!JSON.stringify(await this.call('GET', list)).includes(id)) {
      assert.ok(Date.now() < until, `${id} is not in ${list}`);
      await sleep(200);
    }
  }

  /** A user; resolves to their id. */
  async user(name = 'Sarah Lindt') {
    const { id } = await this.call('POST', '/users', { name, email: `${randomUUID()}@example.com` });
    return id;
  }

  /** An account with 1000.00 EUR, and some movements: 1500.00, then 1300.00. */
  async account() {
    const { id } = await this.call('POST', '/accounts', { account_number: `ACC-${randomUUID().slice(0, 8)}`, currency: 'EUR', initial_deposit: 100000 });
    await this.call('POST', `/accounts/${id}/deposits`, { amount: 50000 });
    await this.call('POST', `/accounts/${id}/withdrawals`, { amount: 20000, description: 'rent' });
    return id;
  }

  /** Asks the stack's database, in its own JSON. */
  async dynamodb(operation, body) {
    const { dynamodb } = await this.call('GET', '/console/about.json');
    const headers = {
      'x-amz-date': '20261121T000000Z', 'x-amz-target': `DynamoDB_20120810.${operation}`, 'content-type': 'application/x-amz-json-1.0',
      authorization: 'AWS4-HMAC-SHA256 Credential=tests/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    };
    const response = await fetch(dynamodb, { method: 'POST', headers, body: JSON.stringify({ TableName: 'strangelog-events', ...body }) });
    const text = await response.text();
    assert.ok(response.ok, `${operation}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** A user whose third event nobody can read, as a bad script may have left it; `mend` puts a sound one in its place, and leaves only `users` to be redriven. */
  async spoilt() {
    const id = await this.user('Pia Parked');
    await this.call('PUT', `/users/${id}/name`, { name: 'Pia Redriven', reason: 'a test' });
    const { Item } = await this.dynamodb('GetItem', { Key: { stream: { S: `user-${id}` }, version: { N: '2' } } });
    const put = (events) => this.dynamodb('PutItem', { Item: { ...Item, version: { N: '3' }, events: { S: events } } });
    await put(Item.events.S.replace('UserNameChanged', 'UserNameLost'));
    await this.listed(id, '/deliveries?consumer=users&status=failed');
    const mend = async () => {
      await put(Item.events.S);
      const { data } = await this.call('GET', '/deliveries?status=failed&limit=100');
      const others = data.filter(({ stream, consumer }) => stream === `user-${id}` && consumer !== 'users');
      for (const { consumer, stream } of others) await this.call('POST', '/deliveries/redrives', { consumer, stream, reason: 'the commit is mended' });
    };
    return { id, mend };
  }

  /** Opens the console at a place, in a browser of its own, and runs `work` with it. */
  async look(place, work, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    try {
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: this.api });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      if (SLOW) await context.route((url) => url.origin === this.api && !/\.(js|css)$/.test(url.pathname), late);
      const found = watch(page, this.api);
      await options.prepare?.(page);
      await page.goto(`${this.api}/console${place}`);
      await work(page);
      found.violations.push(...(await page.evaluate(() => globalThis.violations ?? [])));
      assert.deepEqual(found, { elsewhere: [], errors: [], violations: [] });
    } finally {
      await context.close();
    }
  }
}

async function late(route) {
  await sleep(Math.random() * SLOW);
  // OK because a page that asks something else lets go of what it asked before.
  await route.continue().catch(() => null);
}

/** Notes what a page must never do. */
function watch(page, api) {
  const found = { elsewhere: [], errors: [], violations: [] };
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${api}/`) && !url.startsWith('data:')) found.elsewhere.push(url);
  });
  page.on('pageerror', (error) => found.errors.push(String(error)));
  page.on('console', (message) => {
    // OK because a browser says so of each answer that is an error, which the page shows.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) found.errors.push(message.text());
  });
  page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener('securitypolicyviolation', (event) => globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  return found;
}

/** Whether a page is wider than its window. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** A token as an issuer would sign it; the local stack asks for none, and verifies none. */
export function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}
