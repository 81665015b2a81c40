// Events of all streams as they happen, newest first.

import { get, isOver, questions } from './api.js';
import { terminal, tool } from './curl.js';
import { announce, el, field, fill, once, select } from './dom.js';
import { eventItem } from './event.js';
import { viewKeys } from './keys.js';
import { keep } from './router.js';
import { empty, loading, problem } from './states.js';
import { before, time } from './time.js';

const PAGE = 50;
const EVERY = 2000;
/** How many pages of news are taken at a time: more would be read by nobody. */
const PAGES = 5;
// The index of events is written a moment after the events: what comes late is looked for again.
const OVERLAP = 120_000;
const SINCE = [['3600000', 'the last hour'], ['86400000', 'the last day'], ['604800000', 'the last week'], ['2592000000', 'the last 30 days']];
const DAY = '86400000';
const WINDOWS = [['5m', '5 minutes'], ['30m', '30 minutes'], ['2h', '2 hours'], ['1d', 'a day']];

export async function show({ about, place, root, signal, every, hasPast }) {
  const { around } = place.params;
  let { window = '30m' } = place.params;
  const { since: back = DAY } = place.params;
  const isSince = SINCE.some(([span]) => span === back);
  const filters = { type: place.params.type ?? '', since: isSince ? back : DAY };
  const odd = el('p', { class: 'behind', hidden: isSince || Boolean(around) }, `“${back}” is no time that the feed goes back: this is the last day.`);
  const seen = new Set();
  const question = questions(signal);
  let asking = question();
  /** The question that is not answered yet, if it is asked anew. */
  let awaited = null;
  let newest = null;
  let oldest = null;
  let cursor = null;
  let isPaused = Boolean(around);
  let first = null;

  const types = about.aggregates.filter(({ category }) => about.read_models[category]).flatMap((one) => one.event_types);
  const type = select({ value: filters.type, onchange: () => filtered({ type: type.value }) }, [['', 'all types'], ...types]);
  const since = select({ value: filters.since, onchange: () => filtered({ since: since.value }) }, SINCE);
  const within = select({ value: window, onchange: () => filtered({}) }, WINDOWS);
  const text = el('input', { type: 'search', placeholder: 'a name, an id, a reason …', value: place.params.text ?? '', oninput: sift });
  const pause = el('button', { type: 'button', 'aria-pressed': 'false', onclick: toggle }, 'Pause');
  const state = el('span', { class: 'live', role: 'status' });
  const lag = el('small', { class: 'quiet' });
  const list = el('ol', { class: 'events', 'aria-label': 'Events, newest first' });
  const note = el('div');
  const more = el('button', { type: 'button', hidden: true, onclick: once(older) }, 'Older events');
  const lines = terminal(() => ({
    curl: { path: '/events', params: around ? asked() : { ...asked(), limit: PAGE } },
    tool: around ? tool(['around', around], { window, type: filters.type }) : tool(['tail'], { type: filters.type }),
  }));

  const heading = around
    ? el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, el('p', {}, 'What happened around ', time(around), '. ', el('a', { href: '#feed' }, 'Back to what happens now')), field('Within', within), field('Type', type), field('Among what is shown', text))
    : el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, field('Type', type), field('Of', since), field('Among what is shown', text), pause, state, lag);
  fill(root, el('h1', {}, around ? 'Around a moment' : 'Feed'), heading, odd, note, list, el('p', { class: 'more' }, more), lines.node);
  if (!around) viewKeys({ ' ': toggle });
  if (around) await begin();
  else await every(EVERY, () => (first ? news() : awaited ?? begin()), failed);

  function asked() {
    if (around) return { around, window, type: filters.type };
    return { from: before(Date.now(), Number(filters.since)), type: filters.type };
  }

  /** Asks anew: nothing is left under the question of what was shown before. */
  function begin() {
    const mine = answered().finally(() => { if (awaited === mine) awaited = null; });
    awaited = mine;
    return mine;
  }

  async function answered() {
    asking = question();
    [newest, oldest, first, cursor] = [null, null, null, null];
    seen.clear();
    fill(list);
    more.hidden = true;
    fill(note, loading('events'));
    const { body, behind } = await get('/events', { ...asked(), limit: PAGE }, asking);
    add(body.data, false);
    first = new Date();
    if (!isPaused) live(behind);
    cursor = body.next_cursor;
    settled();
  }

  function settled() {
    more.hidden = !cursor;
    sift();
    lines.update();
    if (list.children.length) return;
    if (filters.type || around || filters.since !== '2592000000') fill(note, empty('No such event. Look further back, or for another type.'));
    else fill(note, empty('Nothing has happened yet. Create a user, and it shows here at once.'));
  }

  function add(events, areNew) {
    const unseen = events.filter((event) => !seen.has(identity(event)));
    for (const event of unseen) {
      seen.add(identity(event));
      const item = eventItem(event, { isNew: areNew, hasPast });
      item.dataset.at = event.timestamp;
      // What was indexed late belongs further down.
      const next = areNew ? [...list.children].find((other) => other.dataset.at <= event.timestamp) : null;
      list.insertBefore(item, next ?? null);
    }
    const times = [newest, oldest, ...events.map((event) => event.timestamp)].filter(Boolean).sort();
    [oldest, newest] = [times[0] ?? null, times.at(-1) ?? null];
    return unseen.length;
  }

  async function news() {
    if (isPaused || !first) return;
    const from = newest ? before(newest, OVERLAP) : asked().from;
    let count = 0;
    let next = null;
    let missing = 0;
    for (let page = 0; page < PAGES; page += 1) {
      const { body, behind } = await get('/events', { from, type: filters.type, limit: 100, cursor: next }, asking);
      if (isPaused) return;
      missing = behind;
      // What is older than all that is shown comes with the older events.
      const due = body.data.filter((event) => !cursor || !oldest || event.timestamp >= oldest);
      const isKnown = due.length < body.data.length || due.some((event) => seen.has(identity(event)));
      count += add(due, true);
      next = body.next_cursor;
      if (!next || isKnown) break;
      // More has happened meanwhile than is looked through: what lies between would never be shown.
      if (page === PAGES - 1) {
        await begin();
        return;
      }
    }
    if (count) {
      fill(note);
      sift();
      announce(`${count} new ${count === 1 ? 'event' : 'events'}`);
    }
    live(missing);
  }

  /** Says that what is shown is what there is, but for so many events that were not taken in yet. */
  function live(behind) {
    // It is read aloud whenever it changes, and the number beside it is not.
    if (state.textContent !== 'live') fill(state, el('span', { class: 'dot' }), 'live');
    fill(lag, behind ? `behind by ${behind}` : null);
  }

  function failed(error) {
    if (error) fill(note, problem(error));
    else if (note.querySelector('.problem')) fill(note);
    if (error) fill(lag);
    if (error && !isPaused) fill(state, 'not live: trying again');
  }

  async function older() {
    try {
      const { body } = await get('/events', { ...asked(), limit: PAGE, cursor }, asking);
      add(body.data, false);
      cursor = body.next_cursor;
      settled();
    } catch (error) {
      if (!isOver(error)) fill(note, problem(error));
    }
  }

  async function filtered(change) {
    Object.assign(filters, change);
    odd.hidden = true;
    window = within.value || window;
    remember();
    try {
      await begin();
    } catch (error) {
      if (!isOver(error)) failed(error);
    }
  }

  function remember() {
    if (around) keep({ around, window, type: filters.type });
    else keep({ type: filters.type, since: filters.since === DAY ? '' : filters.since, text: text.value });
  }

  /** Hides what does not hold the text. */
  function sift() {
    const wanted = text.value.trim().toLowerCase();
    for (const item of list.children) item.hidden = wanted !== '' && !item.textContent.toLowerCase().includes(wanted);
    const hidden = [...list.children].every((item) => item.hidden);
    if (list.children.length && !around) remember();
    if (list.children.length) fill(note, hidden && empty('None of what is shown holds this text. ', cursor ? 'Older events may.' : ''));
  }

  function toggle() {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    pause.textContent = isPaused ? 'Go on' : 'Pause';
    fill(state, isPaused ? 'paused' : 'looking …');
  }
}

const identity = (event) => event.id ?? `${event.stream}/${event.version}`;
