// What was not processed: by which consumer, since when and why; and a way to have it tried again.

import { get, isOver, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { ask } from './dialog.js';
import { el, field, fill, isHeld, once, select } from './dom.js';
import { streamLink } from './event.js';
import { keep, link, parts } from './router.js';
import { empty, guarded, loading, told } from './states.js';
import { time } from './time.js';

const EVERY = 5000;
const STATUSES = [['', 'whatever is not done'], ['failed', 'failed'], ['pending', 'pending'], ['processing', 'processing']];

export async function show({ about, place, root, signal, every }) {
  const asked = { consumer: place.params.consumer ?? '', status: place.params.status ?? '' };
  const consumer = select({ value: asked.consumer, onchange: () => look({ consumer: consumer.value }) }, [['', 'all consumers'], ...about.consumers]);
  const status = select({ value: asked.status, onchange: () => look({ status: status.value }) }, STATUSES);
  const found = el('div', {}, loading('deliveries'));
  const note = el('div');
  const more = el('button', { type: 'button', hidden: true, onclick: once(() => askedAnew(cursor)) }, 'More');
  const actions = el('p', { class: 'buttons' });
  const lines = terminal(() => ({ curl: { path: '/deliveries', params: asked }, tool: tool(['deliveries'], asked) }));
  const question = questions(signal);
  let asking = question();
  let cursor = null;
  let pages = 1;
  let body = el('tbody');
  fill(
    root, el('h1', {}, 'Deliveries'),
    el('p', { class: 'quiet' }, 'Streams with events that a consumer has not taken in. What is parked waits for a redrive, or for another build; all else is tried again by itself.'),
    el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, field('Consumer', consumer), field('Status', status)), actions, note, found, el('p', { class: 'more' }, more), lines.node,
  );
  offer();
  // Once somebody leafs on, the list stays as it is until they ask anew.
  const failed = told(note, found);
  await every(EVERY, async () => pages === 1 && page(null), failed);

  function look(change) {
    Object.assign(asked, change);
    keep(asked);
    lines.update();
    offer();
    more.hidden = true;
    fill(note);
    fill(found, loading('deliveries'));
    return askedAnew(null);
  }

  /** Asks for a page, and waits for no other any more. */
  function askedAnew(from) {
    asking = question();
    return page(from).catch((error) => isOver(error) || failed(error));
  }

  async function page(from) {
    const { body: answer } = await get('/deliveries', { ...asked, limit: 50, cursor: from }, asking);
    if (!from) body = el('tbody');
    pages = from ? pages + 1 : 1;
    cursor = answer.next_cursor;
    body.append(...answer.data.map((one) => row(one)));
    more.hidden = !cursor;
    if (!from && isHeld(found)) return;
    fill(found, body.children.length ? table(body, true) : empty(asked.status || asked.consumer ? 'Nothing such.' : 'Everything was processed by everybody who must know of it.'));
  }

  function offer() {
    const name = asked.consumer;
    const label = name ? `Redrive all that ${name} has parked` : 'Redrive';
    if (name) fill(actions, guarded('ops:write', label, () => redrive(name, null, note)));
    else fill(actions, el('small', { class: 'quiet' }, 'Choose a consumer to redrive all that it has parked, or redrive one stream below.'));
  }

  function row(one) {
    return deliveryRow(one, (stream) => redrive(one.consumer, stream, note), true);
  }
}

/** Asks for a redrive, of one stream or of all, and says in `note` that it is. */
export function redrive(consumer, stream, note) {
  ask({
    title: stream ? `Redrive one stream for ${consumer}` : `Redrive ${consumer}`,
    text: stream ? `${consumer} tries again to take in ${stream}.` : `${consumer} tries again to take in every stream that it has parked.`,
    label: 'Redrive',
    request: (reason) => ({ method: 'POST', path: '/deliveries/redrives', body: { consumer, reason, ...(stream && { stream }) } }),
    what: 'redrive', note,
  });
}

/** Deliveries as a table. */
export function table(body, isOfAll) {
  const heads = ['consumer', ...(isOfAll ? ['stream'] : []), 'status', 'applied', 'since', 'why', ''];
  return el('table', { class: 'wide' }, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), body);
}

/** One consumer and one stream. */
export function deliveryRow({ consumer, stream, status, applied, version, since, failed }, again, isOfAll) {
  const why = failed && [
    failed.why, el('br'),
    el('small', {}, `at version ${failed.version}, tried ${failed.attempts === 1 ? 'once' : `${failed.attempts} times`}, `, failed.parked ? el('b', {}, 'parked') : 'tried again by itself'),
  ];
  const [category] = parts(stream);
  const cell = (label, ...content) => el('td', { 'data-label': label }, el('span', {}, content));
  return el(
    'tr', {},
    el('th', { scope: 'row', 'data-label': 'consumer' }, consumer),
    isOfAll && cell('stream', category === 'ops' ? el('code', {}, stream) : streamLink(stream)),
    cell('status', el('span', { class: `badge delivery-${status}` }, status)),
    cell('applied', `${applied} of ${version}`),
    cell('since', since ? time(since) : '–'),
    cell('why', why || (status === 'pending' ? 'It has not come to it yet.' : '–')),
    cell('', status === 'failed' && guarded('ops:write', 'Redrive', () => again(stream), { class: 'small' })),
  );
}

/** The link to what a consumer has not done. */
export const consumerLink = (consumer) => el('a', { href: link(['deliveries'], { consumer }) }, consumer);
