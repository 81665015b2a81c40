// What happened on each day, drawn; and what all accounts hold together.

import { get, isOver, questions } from './api.js';
import { bars } from './chart.js';
import { terminal, tool } from './curl.js';
import { el, field, fill } from './dom.js';
import { major } from './money.js';
import { keep } from './router.js';
import { behind, empty, loading, problem } from './states.js';

const DAY = 86_400_000;

export async function show({ place, root, signal }) {
  const asked = { from: place.params.from ?? '', to: place.params.to ?? '' };
  const day = (name) => el('input', { type: 'date', value: asked[name], onchange: (event) => look({ [name]: event.target.value }) });
  const question = questions(signal);
  const found = el('div');
  const lines = terminal(() => ({ curl: { path: '/stats', params: asked }, tool: tool(['stats'], asked) }));
  const form = el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, field('From', day('from'), 'a day in UTC; 30 days unless given'), field('To', day('to'), 'today unless given'));
  fill(root, el('h1', {}, 'Statistics'), form, found, lines.node);
  await look({});

  async function look(change) {
    Object.assign(asked, change);
    keep(asked);
    lines.update();
    fill(found, loading('statistics'));
    try {
      const { body, behind: count } = await get('/stats', asked, question());
      draw(body, count);
    } catch (error) {
      if (!isOver(error)) fill(found, problem(error, () => look({})));
    }
  }

  function draw({ days, balances }, count) {
    const held = Object.entries(balances).map(([currency, sum]) => el('li', {}, el('b', {}, major(sum, currency)), el('small', {}, ` ${sum} minor units`)));
    fill(
      found, behind(count),
      el('h2', {}, 'All accounts hold'), held.length ? el('ul', { class: 'figures' }, held) : empty('No account holds anything.'),
      el('h2', {}, 'By day'), days.length ? charts(days, asked) : empty('Nothing happened on these days.'),
    );
  }
}

/** A chart for each group of counters, whatever they are called. */
function charts(listed, asked) {
  const counted = new Map(listed.map((one) => [one.day, one]));
  const days = every(asked);
  const groups = Object.entries(listed[0]).filter(([key, value]) => key !== 'day' && key !== 'currencies' && value !== null && typeof value === 'object');
  const of = (read) => days.map((day) => Number((counted.has(day) && read(counted.get(day))) || 0));
  const plain = groups.map(([group, counters]) => bars(group, days, Object.keys(counters).map((name) => ({ name, values: of((one) => one[group]?.[name]) }))));
  const currencies = [...new Set(listed.flatMap((one) => Object.keys(one.currencies ?? {})))].sort();
  const money = currencies.map((currency) => {
    const moved = (what) => ({ name: what, values: of((one) => one.currencies?.[currency]?.[what]?.amount) });
    const change = { name: 'balance change', values: of((one) => one.currencies?.[currency]?.balance_change) };
    return bars(`money in ${currency}`, days, [moved('deposits'), moved('withdrawals'), change], (amount) => major(amount, currency));
  });
  return [...plain, ...money];
}

/** Each day that is asked for: one on which nothing happened is a gap, not left out. */
function every({ from, to }) {
  const last = to ? Date.parse(`${to}T00:00:00Z`) : Math.floor(Date.now() / DAY) * DAY;
  const first = from ? Date.parse(`${from}T00:00:00Z`) : last - 29 * DAY;
  return Array.from({ length: Math.round((last - first) / DAY) + 1 }, (_, at) => new Date(first + at * DAY).toISOString().slice(0, 10));
}
