// What a view shows when it has nothing to show yet, nothing at all, or something that went wrong.

import { el, fill } from './dom.js';
import { canSignIn, lacks, token, wasRefused } from './auth.js';

/** While it is asked for. */
export const loading = (what) => el('p', { class: 'quiet', 'aria-busy': 'true' }, `Loading ${what} …`);

/** When there is nothing. */
export const empty = (...text) => el('p', { class: 'empty' }, text);

/** When read models have not caught up. */
export function behind(events) {
  if (!events) return null;
  return el('p', { class: 'behind' }, `This is behind by ${events} ${events === 1 ? 'event' : 'events'}: it was not taken in yet.`);
}

/** When it went wrong: what, why, and what to do. `again` is offered as a button. */
export function problem(error, again) {
  if (error.status === 401) wasRefused();
  const fields = (error.errors ?? []).map(({ field, why }) => el('li', {}, el('code', {}, field), ` ${why}`));
  return el(
    'div',
    { class: 'problem', role: 'alert' },
    el('strong', {}, `${error.title ?? 'it did not work'}${error.status ? ` (${error.status})` : ''}`),
    fields.length ? el('ul', {}, fields) : el('p', {}, error.message),
    advice(error) && el('p', {}, advice(error)),
    again && el('button', { type: 'button', onclick: again }, 'Try again'),
  );
}

/** Tells in `note` what went wrong, or that nothing does any more; what `found` was waiting for is waited for no longer. */
export function told(note, found) {
  return (error) => {
    fill(note, error && problem(error));
    if (error && found.querySelector('[aria-busy]')) fill(found);
  };
}

function advice({ status, body }) {
  if (status === 401) {
    if (token()) return 'Your token was not taken: it has expired, or is for another API. Sign in again, above.';
    return canSignIn() ? 'Sign in, above: the API takes no call without a token.' : 'Paste a token, above: the API takes no call without one.';
  }
  if (status === 403) return `What is missing is the scope ${body?.scope ?? 'that this route asks for'}: audit:read to look into the past, users:read and accounts:read for lists, ops:write to operate.`;
  if (status === 404 && body?.message) return 'This API has no such route: it may be older than this page.';
  if (status === 429 || status === 503) return 'It may go better in a moment.';
  return null;
}

/** A button that needs a right; where that is missing it is off, and says why. */
export function guarded(scope, label, act, attributes = {}) {
  const why = lacks(scope);
  const button = el('button', { type: 'button', ...attributes, disabled: Boolean(why), title: why ?? attributes.title, onclick: act }, label);
  return why ? el('span', { class: 'off' }, button, el('small', {}, why)) : button;
}
