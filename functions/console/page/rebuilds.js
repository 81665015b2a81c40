// Read models made anew beside the ones that are shown: how far they are, and the switch.

import { get } from './api.js';
import { terminal, tool } from './curl.js';
import { ask } from './dialog.js';
import { el, fill, isHeld } from './dom.js';
import { parts } from './router.js';
import { empty, guarded, loading, told } from './states.js';
import { time } from './time.js';

const EVERY = 3000;

export async function show({ root, signal, every }) {
  const found = el('div', {}, loading('rebuilds'));
  const note = el('div');
  let latest = null;
  const lines = terminal(() => ({ curl: { path: '/rebuilds' }, tool: latest ? tool(['history', latest]) : tool(['lag']) }));
  const asks = new Map();
  fill(
    root, el('h1', {}, 'Rebuilds'),
    el('p', { class: 'quiet' }, 'A rebuild writes a new generation of a read model with the code that is deployed, beside the one that is shown. Nothing is switched by itself; and the old generation is kept, so that one can switch back.'),
    note, found, lines.node,
  );
  await every(EVERY, look, told(note, found));

  async function look() {
    const { body } = await get('/rebuilds', {}, signal);
    await Promise.all(body.data.map(reason));
    const named = body.data.map(newest).filter(Boolean).sort().at(-1) ?? null;
    if (named !== latest) {
      latest = named;
      lines.update();
    }
    if (isHeld(found)) return;
    fill(found, body.data.length ? el('div', { class: 'cards' }, body.data.map(card)) : empty('There are no read models.'));
  }

  /** Who asked for the newest generation, and why: that does not change, but for a switch. */
  async function reason(one) {
    const stream = newest(one);
    if (!stream) return;
    const known = asks.get(one.consumer);
    if (known?.revision === one.generations.revision) return;
    const { body } = await get(`/rebuilds/${encodeURIComponent(parts(stream)[1])}`, {}, signal);
    asks.set(one.consumer, { revision: one.generations.revision, asked: body.asked, phase: body.phase });
  }

  function card(one) {
    const { consumer, generations, building, live, is_built: isBuilt } = one;
    const said = (asks.get(consumer)?.asked ?? []).map(({ type, timestamp, actor, reason: why }) => el('li', {}, el('b', {}, type), ' by ', actor, ', ', time(timestamp), why && el('em', {}, ` because: ${why}`)));
    const { kept, waiting = [], gone = [] } = generations;
    const id = newest(one) && encodeURIComponent(parts(newest(one))[1]);
    const back = kept && kept.number < generations.live.number;
    return el(
      'section', { class: 'card', 'aria-label': consumer },
      el('h2', {}, consumer),
      el('p', {}, `Generation ${generations.live.number} is shown`, live.parked > 0 && `, with ${live.parked} parked`, live.owed.length > 0 && `, ${live.owed.length} owed`, '. ', kept && `Generation ${kept.number} is kept. `, gone.length > 0 && `${gone.length} being deleted. `, waiting.length > 0 && `${waiting.length} waiting to begin.`),
      building && el(
        'div', {},
        el('p', {}, el('b', {}, `Generation ${generations.building.generation.number} is ${isBuilt ? 'built' : 'in the making'}`), ' since ', time(generations.building.since)),
        el('progress', { max: building.shards, value: isBuilt ? building.shards : building.shards_done, 'aria-label': `${consumer}, parts done` }),
        el('p', {}, `${building.shards_done} of ${building.shards} parts, ${building.streams} streams looked at`, building.parked > 0 && el('b', { class: 'wrong' }, `, ${building.parked} parked`), building.owed.length > 0 && `, ${building.owed.length} to be tried again`),
      ),
      said.length > 0 && el('ol', { class: 'said' }, said),
      el(
        'p', { class: 'buttons' },
        !building && guarded('ops:write', 'Rebuild', () => begin(consumer)),
        building && (isBuilt
          ? guarded('ops:write', 'Switch to it', () => change(consumer, id, 'switched', 'Switch', `Generation ${generations.building.generation.number} is shown from now on.`), { class: 'primary' })
          : el('span', { class: 'off' }, el('button', { type: 'button', disabled: true, title: 'it is not built yet' }, 'Switch to it'), el('small', {}, 'it is not built yet'))),
        kept && guarded('ops:write', back ? 'Switch back' : `Switch to ${kept.number} again`, () => change(consumer, id, back ? 'switched-back' : 'switched', 'Switch', `Generation ${kept.number} is shown again, and ${generations.live.number} is kept.`)),
        (building || kept) && guarded('ops:write', building ? 'Cancel' : `Let go of ${kept.number}`, () => cancel(consumer, id, building ? generations.building.generation.number : kept.number)),
      ),
    );
  }

  function begin(consumer) {
    ask({
      title: `Rebuild ${consumer}`,
      text: `Makes a new generation of ${consumer} from all events, beside the one that is shown. It takes a minute and a half at least, and nothing is switched until you say so.`,
      label: 'Rebuild',
      request: (why) => ({ method: 'POST', path: '/rebuilds', body: { consumer, reason: why } }),
      what: 'rebuild', note,
    });
  }

  function change(consumer, id, status, label, text) {
    ask({ title: `${label} ${consumer}`, text, label, request: (why) => ({ method: 'PUT', path: `/rebuilds/${id}`, body: { status, reason: why } }), what: 'switch', note });
  }

  function cancel(consumer, id, number) {
    ask({
      title: `Let go of generation ${number} of ${consumer}`, text: 'It is deleted bit by bit. What is shown stays.', label: 'Let it go',
      request: (why) => ({ method: 'DELETE', path: `/rebuilds/${id}`, params: { reason: why } }), what: 'end of it', note,
    });
  }
}

/** The stream of the rebuild that made the newest generation: what is building, or else the newer of live and kept. */
function newest({ generations: { building, kept, live, made = {} } }) {
  if (building) return building.rebuild;
  return made[Math.max(kept?.number ?? 0, live.number)];
}
