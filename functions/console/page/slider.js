// Steps through the versions of a stream: the state after each, what made it, and what changed.

import { get, isOver, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { announce, el, field, fill, select } from './dom.js';
import { eventList } from './event.js';
import { viewKeys } from './keys.js';
import { momentField, picks } from './moment.js';
import { currencyOf } from './money.js';
import { keep, link } from './router.js';
import { empty, loading, problem } from './states.js';
import { time } from './time.js';
import { changeTable, tree } from './value.js';

const BEAT = 900;
/** How many versions are kept: one may step back and forth without asking again. */
const MOST = 200;

export async function show({ about, place, root, signal, stream, hasPast }) {
  const known = new Map();
  const question = questions(signal);
  let model = place.params.read_model ?? '';
  let version = 0;
  let player = null;

  const range = el('input', { type: 'range', min: 1, max: stream.version, step: 1, 'aria-label': 'Version', oninput: () => step(Number(range.value)) });
  const play = el('button', { type: 'button', class: 'primary play', onclick: toggle }, 'Play');
  const button = (label, text, to) => el('button', { type: 'button', 'aria-label': label, title: label, onclick: () => step(to()) }, text);
  const where = el('span');
  const asOf = el('span');
  const odd = el('div', { role: 'status' });
  const shown = el('div', { class: 'halves' });
  const jump = momentField('Jump to', '', stream.last ? picks(stream.last) : [], (moment) => tried(() => jumped(moment)));
  const models = [['', 'the state'], ...(about.read_models[stream.category] ?? []).map((one) => [one, `the row of the read model ${one}`])];
  const what = select({ value: model, onchange: chosen }, models);
  const lines = terminal(() => ({ curl: { path: `${stream.path}/state`, params: { version, read_model: model } }, tool: tool(['state', stream.name], { version, 'read-model': model }) }));
  fill(
    root,
    el(
      'div', { class: 'player' },
      button('The first version (Home)', '|◀', () => 1), button('One version back (←)', '◀', () => version - 1), play,
      button('One version on (→)', '▶', () => version + 1), button('The last version (End)', '▶|', () => stream.version), range,
    ),
    odd, el('p', { class: 'where', role: 'status' }, where, asOf), shown, el('div', { class: 'filters' }, jump.node, field('Of', what)), lines.node,
  );
  viewKeys({ ArrowLeft: () => step(version - 1), ArrowRight: () => step(version + 1), Home: () => step(1), End: () => step(stream.version), ' ': toggle });
  signal.addEventListener('abort', pause);
  const { version: asked, at } = place.params;
  if (at) await tried(() => jumped({ at }));
  else await (asked ? numbered(asked) : step(stream.version));

  /** Shows a version, and asks for the next one already. */
  async function step(to) {
    // What was jumped to before, and is not found yet, comes too late.
    question();
    fill(odd);
    fill(asOf);
    const wanted = Math.min(Math.max(Math.round(to), 1), stream.version);
    if (wanted === version) return;
    version = wanted;
    range.value = version;
    range.setAttribute('aria-valuetext', `version ${version} of ${stream.version}`);
    if (!known.has(version)) {
      where.textContent = `Version ${version} of ${stream.version} …`;
      shown.setAttribute('aria-busy', 'true');
    }
    keep({ version, read_model: model });
    lines.update();
    const of = model;
    // What was asked before of something else may come later.
    const isMine = () => wanted === version && of === model;
    await tried(async () => {
      const found = await load(wanted);
      if (isMine()) draw(found);
      if (version < stream.version) load(version + 1).catch(() => null);
    }, isMine);
  }

  /** Shows a version that somebody named; where there is none such, the last one, and says so. */
  async function numbered(named) {
    const number = Number(named);
    const isThere = Number.isInteger(number) && number >= 1 && number <= stream.version;
    const wanted = isThere ? number : stream.version;
    await step(wanted);
    if (!isThere && version === wanted) fill(odd, el('p', { class: 'behind' }, `There is no version ${named} of this stream, which has ${stream.version}: this is the last.`));
  }

  async function chosen() {
    model = what.value;
    known.clear();
    const again = version || stream.version;
    version = 0;
    await step(again);
  }

  function load(number) {
    if (!known.has(number)) {
      if (known.size >= MOST) known.delete(known.keys().next().value);
      const state = get(`${stream.path}/state`, { version: number, read_model: model }, signal);
      const diff = hasPast(stream.category)
        ? get(`${stream.path}/diff`, { from: number - 1, to: number, read_model: model }, signal)
        : get(`${stream.path}/history`, { from: number, to: number }, signal);
      const both = Promise.all([state, diff]);
      known.set(number, both);
      both.catch(() => known.delete(number));
    }
    return known.get(number);
  }

  function draw([{ body: state }, { body: diff }]) {
    const [event] = diff.events ?? diff.data ?? [];
    const changes = diff.changes ?? [];
    const value = model ? state.document : state.state;
    const currency = currencyOf(value) ?? currencyOf(event?.data);
    fill(where, `Version ${state.version} of ${stream.version}, `, time(state.timestamp), state.version === stream.version ? ', as it is now' : '');
    put(
      el('section', {}, el('h2', {}, model ? `The document of ${model}` : 'State'), tree(value, changes)),
      el('section', {}, el('h2', {}, 'What made it'), event ? eventList([event], { isOne: true, hasPast }) : empty('No event.'), el('h2', {}, 'What changed'), changes.length ? changeTable(changes.map(({ by, ...change }) => change), currency) : empty('Nothing that the state shows.'), next(state)),
    );
    announce(`Version ${state.version}: ${event?.type ?? ''}, ${changes.length} changes`);
  }

  /** Shows something in place of what is out of date by then. */
  function put(...children) {
    shown.removeAttribute('aria-busy');
    fill(shown, ...children);
  }

  function next(state) {
    if (!hasPast(stream.category)) return null;
    const at = (text, tab, params) => el('a', { href: link(['stream', stream.name, tab], params) }, text);
    return el('p', { class: 'links' }, at('What if, here', 'what-if', { version: state.version }), at('Compare with now', 'compare', { from: state.version }));
  }

  /** Goes to a version, or to the one that a time falls into. */
  async function jumped({ version: number, at }) {
    pause();
    if (number !== undefined) {
      await numbered(number);
      return;
    }
    if (!at) {
      await step(stream.version);
      return;
    }
    if (!version) put(loading('the state'));
    const { body } = await get(`${stream.path}/state`, { at }, question());
    if (body.version === 0) {
      version = 0;
      fill(asOf);
      fill(where, 'At ', time(at), ' there was nothing yet: the first event came later.');
      put(empty('No state. ', el('button', { type: 'button', onclick: () => step(1) }, 'To the first version')));
      return;
    }
    await step(body.version);
    if (version === body.version) fill(asOf, ' – as it was at ', time(at));
  }

  function toggle() {
    if (player) {
      pause();
      return;
    }
    play.textContent = 'Pause';
    play.setAttribute('aria-pressed', 'true');
    const beat = async () => {
      const mine = player;
      await step(version < stream.version ? version + 1 : 1);
      if (version >= stream.version) pause();
      if (player && player === mine) player = setTimeout(beat, BEAT);
    };
    player = setTimeout(beat, version >= stream.version ? 0 : BEAT / 3);
  }

  function pause() {
    clearTimeout(player);
    player = null;
    play.textContent = 'Play';
    play.setAttribute('aria-pressed', 'false');
  }

  function tried(work, isMine = () => true) {
    return work().catch((error) => isOver(error) || !isMine() || put(problem(error, () => tried(work, isMine))));
  }
}
