// Two moments of a stream side by side: what differs, and which events did it.

import { get, isOver, json, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { copyButton, el, field, fill, once } from './dom.js';
import { eventItem } from './event.js';
import { asText, momentField, picks, read } from './moment.js';
import { currencyOf } from './money.js';
import { keep, link } from './router.js';
import { empty, loading, problem } from './states.js';
import { time } from './time.js';
import { changeTable } from './value.js';

/** How many events are read at a time: as many as the API gives. */
const PAGE = 100;
/** For so long a late writer may still change what a moment was. */
const RECENT = 60_000;

export async function show({ place, root, signal, stream, hasPast, about }) {
  const choices = stream.last ? picks(stream.last) : [];
  const start = place.params.from ?? choices[0]?.[1] ?? '0';
  const asked = { from: start, to: place.params.to ?? '', read_model: place.params.read_model ?? '' };
  const path = `${stream.path}/diff`;
  const question = questions(signal);
  const found = el('div');
  const from = momentField('From', asked.from, [['before the first event', '0'], ...choices.slice(0, 3)], (moment) => look({ from: asText(moment) || String(stream.version) }));
  const to = momentField('To', asked.to, choices.slice(1), (moment) => look({ to: asText(moment) }));
  const models = [['', 'the state'], ...(about.read_models[stream.category] ?? []).map((one) => [one, `the read model ${one}`])];
  const what = el('select', { onchange: () => look({ read_model: what.value }) }, models.map(([value, text]) => el('option', { value }, text)));
  what.value = asked.read_model;
  const swap = el('button', { type: 'button', onclick: swapped }, 'Swap');
  const lines = terminal(() => ({ curl: { path, params: { ...asked, limit: PAGE } }, tool: tool(['diff', stream.name], { from: asked.from, to: asked.to, 'read-model': asked.read_model }) }));
  fill(root, el('div', { class: 'filters' }, from.node, to.node, field('Of', what), swap), found, lines.node);
  await look({});

  async function look(change) {
    Object.assign(asked, change);
    keep(asked);
    lines.update();
    fill(found, loading('what differs'));
    const asking = question();
    try {
      const { body } = await get(path, { ...asked, limit: PAGE }, asking);
      draw(body, asking);
    } catch (error) {
      if (!isOver(error)) fill(found, problem(error, () => look({})));
    }
  }

  function swapped() {
    const [one, other] = [from.input.value, to.input.value || String(stream.version)];
    from.input.value = other;
    to.input.value = one;
    look({ from: asText(read(other)), to: asText(read(one)) });
  }

  function draw(diff, asking) {
    const isOpen = ({ timestamp, settled }) => settled === false && Date.now() - new Date(timestamp).getTime() < RECENT;
    const side = (label, at) => el('p', {}, el('b', {}, `${label}: `), at.version === 0 ? 'before the first event' : [el('a', { href: link(['stream', stream.name, 'slider'], { version: at.version }) }, `version ${at.version}`), ', ', time(at.timestamp)], isOpen(at) && el('small', {}, ' (so recent that a late writer may still change it)'));
    const version = (number) => el('a', { href: link(['stream', stream.name, 'slider'], { version: number }) }, String(number));
    const patch = json(diff.patch, 2);
    const list = el('ol', { class: 'events', start: 1 }, diff.events.map((event) => eventItem(event, { isOne: true, hasPast })));
    const more = el('button', { type: 'button', hidden: !diff.next_cursor }, 'Later events');
    const table = el('div');
    let { changes, next_cursor: cursor } = diff;
    const differs = () => fill(table, changeTable(changes, currencyOf(stream.state), version, cursor ? 'by version: of the events shown' : 'by version'));
    differs();
    more.addEventListener('click', once(async () => {
      try {
        const { body } = await get(path, { ...asked, limit: PAGE, cursor }, asking);
        list.append(...body.events.map((event) => eventItem(event, { isOne: true, hasPast })));
        cursor = body.next_cursor;
        more.hidden = !cursor;
        changes = merged(changes, body.changes);
        differs();
      } catch (error) {
        if (!isOver(error)) more.after(problem(error));
      }
    }));
    fill(
      found,
      el('div', { class: 'halves' }, side('From', diff.from), side('To', diff.to)),
      el('h2', {}, 'What differs'), table,
      el('h2', {}, 'The events between them'), diff.events.length ? list : empty('None: it is one moment, or nothing happened between them.'), el('p', { class: 'more' }, more),
      el('details', {}, el('summary', {}, 'As a patch (RFC 6902), which turns the one into the other'), el('div', { class: 'copyable' }, el('pre', {}, patch), copyButton(patch, 'Copy the patch'))),
    );
  }
}

/** The changes, by the events of a further page, too. */
function merged(changes, further) {
  const by = new Map(further.map((change) => [change.path, change.by ?? []]));
  return changes.map((change) => ({ ...change, by: [...new Set([...(change.by ?? []), ...(by.get(change.path) ?? [])])] }));
}
