// Finds a stream: by its id, by a part of a name, or in a list.

import { get, isOver, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { el, field, fill, once, select } from './dom.js';
import { go, keep, link } from './router.js';
import { behind, empty, loading, problem } from './states.js';
import { time } from './time.js';
import { currencyOf, isWhole, major } from './money.js';

const ID = /^(?:([a-z_]+)-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const WHEN = ['created_at', 'updated_at', 'version', 'id', 'status', 'currency'];

export async function show({ about, place, root, signal }) {
  const kinds = about.aggregates.filter(({ category, commands }) => about.read_models[category] && commands.length);
  const known = kinds.find((one) => one.collection === place.params.collection) ?? kinds[0];
  const asked = { collection: known.collection, status: place.params.status ?? '', query: place.params.query ?? '' };
  const input = el('input', { type: 'search', value: asked.query, autocomplete: 'off', spellcheck: 'false' });
  const collection = select({ value: asked.collection, onchange: () => look({ collection: collection.value, status: '' }) }, kinds.map((one) => one.collection));
  const status = el('select', { onchange: () => look({ status: status.value }) });
  const question = questions(signal);
  const found = el('div');
  const more = el('button', { type: 'button', hidden: true }, 'More');
  const lines = terminal(() => ({ curl: { path: `/${asked.collection}`, params: { query: asked.query, status: asked.status } }, tool: tool(['around'], { window: '31d', category: kinds.find((one) => one.collection === asked.collection)?.category }) }));
  const form = el(
    'form', { class: 'filters', role: 'search', onsubmit: submit },
    field('Id, or part of a name', input, 'of users 3 characters or more of name or email; of accounts the whole number'),
    field('Among', collection), field('Status', status), el('button', { type: 'submit', class: 'primary' }, 'Look'),
  );
  const gone = el('p', { class: 'quiet' }, 'What is deleted is in no list. It is found by its id, or where it was deleted: ', ends(kinds));
  fill(root, el('h1', {}, 'Streams'), form, found, el('p', { class: 'more' }, more), gone, lines.node);
  const linked = ID.exec(asked.query);
  if (linked) await open(linked[1], linked[2].toLowerCase());
  else await look({});

  async function submit(event) {
    event.preventDefault();
    const typed = input.value.trim();
    const id = ID.exec(typed);
    if (id) await open(id[1], id[2].toLowerCase());
    else await look({ query: typed });
  }

  /** Opens a stream by its id; a bare one is tried in each collection. */
  async function open(category, id) {
    if (category) {
      opened(`${category}-${id}`);
      return;
    }
    const asking = question();
    more.hidden = true;
    fill(found, loading('streams'));
    for (const kind of kinds) {
      try {
        await get(`/${kind.collection}/${encodeURIComponent(id)}/state`, {}, asking);
        opened(`${kind.category}-${id}`);
        return;
      } catch (error) {
        if (isOver(error)) return;
        if (error.status !== 404) {
          fill(found, problem(error));
          return;
        }
      }
    }
    fill(found, empty(`Nothing was ever stored under ${id}.`));
  }

  /** Goes there; a link that led here by an id alone is not come back to. */
  function opened(stream) {
    if (linked) location.replace(link(['stream', stream, 'timeline']));
    else go(['stream', stream, 'timeline']);
  }

  async function look(change) {
    Object.assign(asked, change);
    const kind = kinds.find((one) => one.collection === asked.collection) ?? kinds[0];
    fill(status, [['', 'any'], ...kind.statuses.map((one) => [one, one])].map(([value, text]) => el('option', { value }, text)));
    status.value = asked.status;
    keep({ collection: asked.collection === kinds[0].collection ? '' : asked.collection, status: asked.status, query: asked.query });
    lines.update();
    const rows = el('tbody');
    const asking = question();
    more.hidden = true;
    let cursor;
    const page = async () => {
      const { body, behind: count } = await get(`/${kind.collection}`, { query: asked.query, status: asked.status, limit: 20, cursor }, asking);
      rows.append(...body.data.map((document) => row(kind, document)));
      cursor = body.next_cursor;
      more.hidden = !cursor;
      fill(found, behind(count), rows.children.length ? table(rows) : empty(asked.query ? `Nothing is found by “${asked.query}”. What is deleted is not looked at.` : 'There are none.'));
    };
    const tried = () => page().catch((error) => isOver(error) || fill(found, problem(error, tried)));
    fill(found, loading(kind.collection));
    more.onclick = once(tried);
    await tried();
  }
}

/** Links to the events after which a stream is in no list, as far as their names tell: what is closed, say, may well be in one. */
function ends(kinds) {
  const isEnd = (kind, type) => {
    const [end] = /(Deleted|Closed|Removed|Ended)$/.exec(type) ?? [];
    return end && !kind.statuses.includes(end.toLowerCase());
  };
  const types = kinds.flatMap((kind) => kind.event_types.filter((type) => isEnd(kind, type)));
  return types.map((type, at) => [at ? ', ' : '', el('a', { href: link(['feed'], { type, since: '2592000000' }) }, type)]);
}

function table(rows) {
  const heads = ['stream', 'what', 'status', 'created', 'changed', 'version'];
  return el('table', { class: 'wide' }, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), rows);
}

function row({ category }, document) {
  const stream = `${category}-${document.id}`;
  const currency = currencyOf(document);
  const shown = Object.entries(document).filter(([key, value]) => value !== null && !WHEN.includes(key) && !Array.isArray(value) && typeof value !== 'object');
  const what = shown.slice(0, 4).map(([key, value]) => el('span', { class: 'pair' }, el('small', {}, key), ' ', isWhole(value) && currency ? major(value, currency) : String(value)));
  return el(
    'tr', {},
    el('th', { scope: 'row', 'data-label': 'stream' }, el('a', { href: link(['stream', stream, 'timeline']), title: stream }, `${category} ${document.id.slice(0, 8)}…${document.id.slice(-4)}`)),
    el('td', { 'data-label': 'what' }, what),
    el('td', { 'data-label': 'status' }, el('span', { class: `badge status-${document.status}` }, document.status ?? '–')),
    el('td', { 'data-label': 'created' }, time(document.created_at)),
    el('td', { 'data-label': 'changed' }, time(document.updated_at)),
    el('td', { 'data-label': 'version' }, String(document.version)),
  );
}
