// One event in a list: a line that says what happened, and all that is stored of it when opened.

import { json } from './api.js';
import { copyButton, el } from './dom.js';
import { currencyOf, isWhole, major } from './money.js';
import { link, parts } from './router.js';
import { before, time } from './time.js';
import { tree } from './value.js';

const HOUR = 3_600_000;
const MOST = 4;

/** An event as an item of a list. `isOne` if all are of one stream, `isNew`, `hasPast` (whether a stream can be compared). */
export function eventItem(event, { isOne = false, isNew = false, hasPast = () => true } = {}) {
  const body = el('div', { class: 'event-body' });
  const details = el(
    'details',
    { ontoggle: () => details.open && !body.hasChildNodes() && body.append(...all(event, hasPast)) },
    el(
      'summary', {},
      el('span', { class: 'at' }, isNew && el('span', { class: 'badge new' }, 'new'), time(event.timestamp)),
      el('span', { class: 'type' }, event.type ?? 'unreadable'),
      el('span', { class: 'who' }, isOne ? `version ${event.version}` : streamLink(event.stream, event.version), event.actor !== undefined && el('span', { class: 'actor' }, 'by ', el('b', {}, event.actor))),
      el('span', { class: 'what' }, event.unreadable ?? told(event)),
    ),
    body,
  );
  return el('li', { class: `event${isNew ? ' is-new' : ''}`, 'data-id': event.id ?? `${event.stream}/${event.version}` }, details);
}

/** A link to a stream; a version is named beside it. */
export function streamLink(stream, version) {
  const [category, id] = parts(stream);
  const label = el('span', { class: 'stream-name', title: stream }, `${category} ${id.slice(0, 8)}…${id.slice(-4)}`);
  return el('a', { href: link(['stream', stream, 'timeline']) }, label, version === undefined ? null : ` v${version}`);
}

/** What the data of an event says, in a line. */
export function told(event) {
  const data = event.data ?? {};
  const currency = currencyOf(data);
  const isTold = ([key, value]) => value !== null && key !== 'reason' && !(key === 'currency' && currency);
  const entries = Object.entries(data).filter(isTold);
  const text = (value) => (isWhole(value) && currency ? major(value, currency) : typeof value === 'object' ? json(value) : String(value));
  const pairs = 'old' in data && 'new' in data
    ? [`${text(data.old)} → ${text(data.new)}`]
    : entries.slice(0, MOST).map(([key, value]) => `${key} ${text(value)}`);
  const reason = event.reason ?? data.reason;
  return [pairs.join(' · '), reason && el('em', { class: 'reason' }, ` because: ${reason}`)];
}

/** All that is stored. */
function all(event, hasPast) {
  const { data, ...rest } = event;
  const [category] = parts(event.stream);
  const rows = Object.entries(rest).map(([name, value]) => [el('dt', {}, name), el('dd', {}, stored(name, value))]);
  const at = (name, path, params) => el('a', { href: link(['stream', event.stream, path], params) }, name);
  const past = hasPast(category) && event.version !== undefined;
  return [
    el('dl', { class: 'fields' }, rows),
    el('h3', {}, 'data'),
    tree(data ?? null),
    el(
      'p', { class: 'links' },
      at('The state after it', 'slider', { version: event.version }),
      past && event.version > 1 && at('What it changed', 'compare', { from: event.version - 1, to: event.version }),
      past && at('What if, an hour before it', 'what-if', { at: before(event.timestamp, HOUR) }),
      el('a', { href: link(['feed'], { around: event.timestamp }) }, 'What else happened around it'),
      copyButton(() => json(event, 2), 'Copy as JSON'),
    ),
  ];
}

function stored(name, value) {
  if (value === null || value === undefined) return el('span', { class: 'null' }, 'none');
  if (['timestamp', 'effective_at'].includes(name)) return [time(value), ' ', el('code', {}, value)];
  if (name === 'stream') return el('a', { href: link(['stream', value, 'timeline']) }, value);
  return String(value);
}

/** A list of events. */
export function eventList(events, options) {
  return el('ol', { class: 'events' }, events.map((event) => eventItem(event, options)));
}
