// The events of one stream, oldest first, with filters that stay in the URL.

import { get, isOver, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { el, field, fill, once, select } from './dom.js';
import { eventItem } from './event.js';
import { asText, momentField } from './moment.js';
import { keep } from './router.js';
import { empty, loading, problem } from './states.js';

const PAGE = 50;
/** How many pages without a fitting event are passed over before somebody is asked. */
const PATIENCE = 10;

export async function show({ place, root, signal, stream, hasPast }) {
  const { type = '', actor = '', from = '', to = '' } = place.params;
  const filters = { type, actor, from, to };
  const path = `${stream.path}/history`;
  const types = select({ value: type, onchange: () => look({ type: types.value }) }, [['', 'all types'], ...stream.kind.event_types]);
  const who = el('input', { type: 'text', value: actor, placeholder: 'anybody', autocomplete: 'off', spellcheck: 'false', onchange: () => look({ actor: who.value.trim() }) });
  const first = momentField('From', from, [], (moment) => look({ from: asText(moment) }), 'the beginning');
  const last = momentField('To', to, [], (moment) => look({ to: asText(moment) }));
  const clear = el('button', { type: 'button', onclick: reset }, 'Clear');
  const list = el('ol', { class: 'events', 'aria-label': 'Events, oldest first' });
  const note = el('div');
  const more = el('button', { type: 'button', hidden: true, onclick: once(() => tried(page)) }, 'Later events');
  const lines = terminal(() => ({ curl: { path, params: { ...filters, limit: PAGE } }, tool: tool(['history', stream.name], filters) }));
  const question = questions(signal);
  let asking;
  let cursor = null;

  const form = el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, field('Type', types), field('Actor', who), first.node, last.node, clear);
  fill(root, form, list, note, el('p', { class: 'more' }, more), lines.node);
  await look({});

  async function look(change) {
    Object.assign(filters, change);
    keep(filters);
    lines.update();
    cursor = null;
    asking = question();
    more.hidden = true;
    fill(list);
    await tried(page);
  }

  function reset() {
    types.value = '';
    who.value = '';
    first.input.value = '';
    last.input.value = '';
    look({ type: '', actor: '', from: '', to: '' });
  }

  async function page() {
    fill(note, loading('events'));
    for (let pages = 0; pages < PATIENCE; pages += 1) {
      const { body } = await get(path, { ...filters, limit: PAGE, cursor }, asking);
      list.append(...body.data.map((event) => eventItem(event, { isOne: true, hasPast })));
      cursor = body.next_cursor;
      if (!cursor || body.data.length) break;
    }
    more.hidden = !cursor;
    if (list.children.length) fill(note);
    else fill(note, empty(cursor ? 'None of the events so far fits; later ones may.' : 'No event of this stream fits these filters.'));
  }

  function tried(work) {
    return work().catch((error) => isOver(error) || fill(note, problem(error, () => tried(work))));
  }
}
