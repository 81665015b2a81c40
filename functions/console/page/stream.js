// One stream: what it is now, who did what last, and the ways to look into its past.

import { get } from './api.js';
import { copyButton, el, fill } from './dom.js';
import { told } from './event.js';
import { link, named } from './router.js';
import { behind, empty, problem } from './states.js';
import { before, time } from './time.js';
import { tree } from './value.js';
import { show as compare } from './compare.js';
import { show as processing } from './processing.js';
import { show as slider } from './slider.js';
import { show as timeline } from './timeline.js';
import { show as whatIf } from './what-if.js';

const HOUR = 3_600_000;
/** So many of the last events are looked at for the one that ended the stream. */
const LAST = 20;
const TABS = {
  timeline: { title: 'Timeline', show: timeline },
  slider: { title: 'Step through', show: slider },
  compare: { title: 'Compare', show: compare, ofPast: true },
  'what-if': { title: 'What if', show: whatIf, ofPast: true },
  deliveries: { title: 'Processed by', show: processing },
};

export async function show(context) {
  const { root, place, signal, title, aggregate, hasPast } = context;
  const [, asked = '', tab = 'timeline'] = place.path;
  const { name, category, id } = named(asked) ?? {};
  const kind = category && aggregate(category);
  if (!kind) {
    fill(root, el('h1', {}, 'Stream'), empty(`There is no such stream: it is named by what it is of and its id, such as user-01a1fc78-…; “${asked}” is none. `, el('a', { href: '#streams' }, 'Look for one')));
    return;
  }
  title(`${category} ${id.slice(0, 8)}`);
  const stream = { name, category, id, kind, path: `/${kind.collection}/${encodeURIComponent(id)}` };
  const heading = el('h1', {}, `${category} `, el('code', {}, id), ' ', copyButton(name, 'Copy the name'));
  let now;
  try {
    now = await get(`${stream.path}/state`, {}, signal);
    const last = await get(`${stream.path}/history`, { from: Math.max(1, now.body.version - LAST + 1), limit: LAST }, signal);
    const end = last.body.data.findLast(({ type }) => /(Deleted|Closed)$/.test(type));
    Object.assign(stream, { version: now.body.version, state: now.body.state, last: last.body.data.at(-1), end });
  } catch (error) {
    if (error.status !== 404 || error.body.message) throw error;
    fill(root, heading, empty(`Nothing was ever stored under this id. `, el('a', { href: '#streams' }, 'Look for another one')), problem(error));
    return;
  }
  const tabs = Object.entries(TABS).filter(([, { ofPast }]) => !ofPast || hasPast(category));
  const links = tabs.map(([key, one]) => el('a', { href: link(['stream', name, key]), 'aria-current': key === tab ? 'page' : null }, one.title));
  const body = el('section', { class: 'tab', 'aria-label': tabs.find(([key]) => key === tab)?.[1].title });
  fill(root, heading, behind(now.behind), summary(stream, hasPast(category)), el('nav', { class: 'tabs', 'aria-label': 'Of this stream' }, links), body);
  const view = tabs.find(([key]) => key === tab)?.[1];
  if (!view) {
    fill(body, empty(`There is nothing such as ${tab} here.`));
    return;
  }
  await view.show({ ...context, root: body, stream });
}

/** What it is now, and the last that happened. */
function summary(stream, isMovable) {
  const { name, state, version, last, end, kind } = stream;
  const status = state?.status;
  const isGone = status !== undefined && !kind.statuses.includes(status);
  // What people ask about is mostly what was before it ended, whatever came after that.
  const event = end ?? last;
  const hour = event && before(event.timestamp, HOUR);
  const at = (text, tab, params) => el('a', { href: link(['stream', name, tab], params) }, text);
  return el(
    'div', { class: 'summary' },
    el(
      'p', {},
      status && el('span', { class: `badge status-${status}${isGone ? ' gone' : ''}` }, status), ` at version ${version}. `,
      last && ['Last: ', el('b', {}, last.type), ' by ', el('b', {}, last.actor ?? 'unknown'), ', ', time(last.timestamp), el('span', { class: 'what' }, ' ', told(last))],
    ),
    last && el(
      'p', { class: 'links' }, el('span', {}, 'An hour before ', end ? [el('b', {}, end.type), ` (version ${end.version}):`] : 'that:'),
      at('its state', 'slider', { at: hour }),
      isMovable && at('what changed since', 'compare', { from: hour }),
      isMovable && at('what if …', 'what-if', { at: hour }),
      el('a', { href: link(['feed'], { around: event.timestamp }) }, `What happened around ${end ? end.type : 'that'}`),
    ),
    el('details', {}, el('summary', {}, 'Its state now'), tree(state)),
  );
}
