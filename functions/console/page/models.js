// How far each consumer is: what waits, for how long, and whether it gets better.

import { get } from './api.js';
import { lacks } from './auth.js';
import { sparkline, trend } from './chart.js';
import { terminal, tool } from './curl.js';
import { el, fill } from './dom.js';
import { link } from './router.js';
import { empty, loading, told } from './states.js';
import { span, time } from './time.js';

const EVERY = 4000;
const KEPT = 60;
/** What was seen of each consumer while the console is open. */
const seen = new Map();

export async function show({ about, root, signal, every }) {
  const found = el('div', {}, loading('how far each is'));
  const note = el('div');
  const lines = terminal(() => ({ curl: { path: '/deliveries', params: { limit: 1 } }, tool: tool(['lag']) }));
  fill(
    root, el('h1', {}, 'Read models and mails'),
    el('p', { class: 'quiet' }, 'Each is kept by a consumer of events. ', el('b', {}, 'Waiting'), ' are streams with news that it has not taken in, ', el('b', {}, 'failed'), ' those that it could not; nothing older than its ', el('b', {}, 'position'), ' waits.'),
    note, found, lines.node,
  );
  await every(EVERY, look, told(note, found));

  async function look() {
    const generations = lacks('ops:write') ? Promise.resolve(null) : get('/rebuilds', {}, signal).catch((error) => (error.status === 403 ? null : Promise.reject(error)));
    const [{ body }, rebuilt] = await Promise.all([get('/deliveries', { limit: 1 }, signal), generations]);
    const made = new Map((rebuilt?.body.data ?? []).map((one) => [one.consumer, one]));
    const names = new Set(Object.values(about.read_models).flat());
    for (const lag of body.consumers) {
      const values = [...(seen.get(lag.consumer) ?? []), lag.pending + lag.failed];
      seen.set(lag.consumer, values.slice(-KEPT));
    }
    const rows = body.consumers.map((lag) => row(lag, made.get(lag.consumer), names.has(lag.consumer)));
    fill(found, rows.length ? table(rows) : empty('There are no consumers.'), !rebuilt && el('p', { class: 'quiet' }, 'Generations are not shown: ', lacks('ops:write') ?? 'they need the scope ops:write', '.'));
  }
}

function table(rows) {
  const heads = ['consumer', 'state', 'waiting', 'failed', 'trend', 'oldest', 'position', 'generation', 'parked'];
  return el('table', { class: 'wide models' }, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), el('tbody', {}, rows));
}

function row(lag, made, isModel) {
  const values = seen.get(lag.consumer);
  const [arrow, words] = trend(values);
  const count = (number) => `${number}${lag.more && number ? '+' : ''}`;
  const age = lag.oldest && Date.now() - new Date(lag.oldest).getTime();
  const [state, why] = lag.failed ? ['failing', 'it could not take something in'] : lag.pending ? ['behind', 'it has news to take in'] : ['up to date', 'it has taken in all'];
  const cell = (label, ...content) => el('td', { 'data-label': label }, el('span', {}, content));
  return el(
    'tr', { class: `lag-${state.replaceAll(' ', '-')}` },
    el('th', { scope: 'row', 'data-label': 'consumer' }, el('a', { href: link(['deliveries'], { consumer: lag.consumer }) }, lag.consumer), !isModel && el('small', {}, ' mail')),
    cell('state', el('span', { class: `badge state-${state.replaceAll(' ', '-')}`, title: why }, state)),
    cell('waiting', count(lag.pending)),
    cell('failed', lag.failed ? el('a', { href: link(['deliveries'], { consumer: lag.consumer, status: 'failed' }) }, count(lag.failed)) : '0'),
    cell('trend', el('span', { title: words }, arrow), ' ', sparkline(values, `${lag.consumer}: ${words}, over the last ${values.length} looks`)),
    cell('oldest', lag.oldest ? [time(lag.oldest), el('small', {}, ` for ${span(age)}`)] : '–'),
    cell('position', time(lag.walked_to)),
    cell('generation', made ? [String(made.generations.live.number), made.building && [el('br'), el('a', { href: link(['rebuilds']) }, `${made.generations.building.generation.number} ${made.is_built ? 'built' : 'in the making'}`)]] : '–'),
    cell('parked', made ? String(made.live.parked) : '–'),
  );
}
