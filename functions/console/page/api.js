// Calls the API, with the caller's token if there is one. What goes wrong is a `Problem`.

import { token } from './auth.js';

/** Where the API is: the page lies at its `/console`. */
export const API = new URL('.', location.href.split(/[?#]/)[0]).href.replace(/\/$/, '');

/** An error that a person can be told. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.message ?? `the API answered ${status}`);
    this.status = status;
    this.title = body.title ?? { 401: 'not signed in', 403: 'not allowed', 429: 'too many calls' }[status] ?? 'it did not work';
    this.errors = body.errors ?? [];
    this.body = body;
  }
}

/** The path of a call with its parameters; those without a value are left out. */
export function pathOf(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = given.map(([name, value]) => `${name}=${encoded(value)}`).join('&');
  return path + (query && `?${query}`);
}

/** Safe within double quotes of a shell, too. */
function encoded(value) {
  const code = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(value).replace(/[!'()*]/g, code).replaceAll('%3A', ':');
}

/** Reads: resolves to the answer's body, `version` (from its ETag) and how far it is `behind`. */
export function get(path, params, signal) {
  return call('GET', path, { params, signal });
}

/** Makes a call. */
export async function call(method, path, { params, body, key, signal } = {}) {
  const headers = { accept: 'application/json' };
  if (token()) headers.authorization = `Bearer ${token()}`;
  if (body) headers['content-type'] = 'application/json';
  if (key) headers['idempotency-key'] = key;
  let response;
  try {
    response = await fetch(API + pathOf(path, params), {
      method, headers, signal, body: body && JSON.stringify(body), cache: 'no-store', credentials: 'omit',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, { title: 'the API cannot be reached', detail: `nothing answers at ${API}: is it up, and are you online?` });
  }
  const read = parsed(await response.text());
  if (!response.ok) throw new Problem(response.status, read ?? {});
  const behind = response.headers.get('strangelog-behind');
  return { body: read ?? {}, behind: behind === null ? null : Number(behind) };
}

/** Whole numbers that are too great for a browser's numbers are kept as they are. */
function parsed(text) {
  const exact = (_, value, context) => {
    const isRound = typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '');
    return isRound ? BigInt(context.source) : value;
  };
  try {
    return JSON.parse(text, exact);
  } catch {
    return null;
  }
}

/** JSON of what `parsed` made. */
export function json(value, indent) {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one), indent);
}

/** Signals for questions of which only the last one counts: each ends those before it, and all end with `signal`. */
export function questions(signal) {
  let last = new AbortController();
  return () => {
    last.abort();
    last = new AbortController();
    return AbortSignal.any([signal, last.signal]);
  };
}

/** Whether an error only says that nobody waits any more. */
export function isOver(error) {
  return error.name === 'AbortError';
}
