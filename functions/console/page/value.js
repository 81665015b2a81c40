// Shows a JSON value as a tree, with what changed in it marked by sign and colour, and money in major units beside it.

import { el } from './dom.js';
import { json } from './api.js';
import { currencyOf, isWhole, major } from './money.js';
import { link } from './router.js';
import { time } from './time.js';

const SIGNS = { added: '+', removed: '−', changed: '~' };
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A value; `changes` are those of a diff, by JSON pointer, and `currency` is that of its numbers where it names none. */
export function tree(value, changes = [], currency = null) {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const root = byPath.get('');
  const body = isNested(value) ? members(value, '', byPath, currency) : leaf(value, null);
  return el('div', { class: `tree ${root ? root.kind : ''}` }, body);
}

/** A value on one line. */
export function leaf(value, currency) {
  if (value === null || value === undefined) return el('span', { class: 'null' }, 'none');
  if (isWhole(value) && currency) {
    return el('span', {}, el('span', { class: 'number' }, String(value)), ' ', el('span', { class: 'money' }, major(value, currency)));
  }
  if (typeof value === 'string' && MOMENT.test(value)) return time(value);
  // An id leads to whatever it is of, an owner or the other side of a transfer.
  if (typeof value === 'string' && ID.test(value)) return el('a', { href: link(['streams'], { query: value }) }, value);
  if (typeof value === 'string') return el('span', { class: 'text' }, value === '' ? '“”' : value);
  if (isNested(value)) return el('code', {}, json(value));
  return el('span', { class: 'number' }, String(value));
}

const isNested = (value) => value !== null && typeof value === 'object';
const escaped = (key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1');
const unescaped = (key) => key.replaceAll('~1', '/').replaceAll('~0', '~');

function members(value, path, changes, known) {
  const currency = currencyOf(value) ?? known;
  const rows = Object.entries(value).map(([key, one]) => row(key, one, `${path}/${escaped(key)}`, changes, currency));
  for (const change of changes.values()) {
    const at = change.path.lastIndexOf('/');
    const key = unescaped(change.path.slice(at + 1));
    const isGone = change.kind === 'removed' && change.path !== '' && change.path.slice(0, at) === path;
    if (isGone && !(key in value)) rows.push(line(key, el('del', {}, leaf(change.from, currency)), 'removed'));
  }
  return rows.length ? el('ul', {}, rows) : el('span', { class: 'null' }, Array.isArray(value) ? 'empty list' : 'nothing');
}

function row(key, value, path, changes, currency) {
  const change = changes.get(path);
  if (isNested(value)) return line(key, members(value, path, changes, null), change?.kind);
  const was = change?.kind === 'changed' && el('span', { class: 'was' }, ' was ', el('del', {}, leaf(change.from, currency)));
  return line(key, [change ? el('ins', {}, leaf(value, currency)) : leaf(value, currency), was], change?.kind);
}

function line(key, value, kind) {
  const sign = el('span', { class: 'sign', 'aria-label': kind }, kind ? SIGNS[kind] : ' ');
  return el('li', { class: kind ?? '' }, sign, el('span', { class: 'key' }, key), el('span', { class: 'value' }, value));
}

/** The changes of a diff as a table. `currency` is that of their amounts; `version` makes a link of a version, and `heading` stands over them. */
export function changeTable(changes, currency, version, heading = 'by version') {
  if (!changes.length) return el('p', { class: 'empty' }, 'Nothing differs.');
  const wasBy = changes.some((change) => change.by?.length);
  const shown = (value) => (value === undefined ? '' : leaf(value, currency));
  const cell = (label, ...content) => el('td', { 'data-label': label }, el('span', {}, content));
  const rows = changes.map(({ path, kind, from, to, by }) => el(
    'tr', { class: kind },
    el('th', { scope: 'row' }, el('span', { class: 'sign' }, SIGNS[kind]), ' ', el('code', {}, path || '(all of it)')),
    cell('what', kind), cell('was', shown(from)), cell('is', shown(to)),
    wasBy && cell(heading, (by ?? []).map((one, at) => [at ? ', ' : '', version ? version(one) : String(one)])),
  ));
  const heads = ['field', 'what', 'was', 'is', ...(wasBy ? [heading] : [])];
  return el('table', { class: 'changes' }, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), el('tbody', {}, rows));
}
