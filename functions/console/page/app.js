// Starts the console: what the build is, who looks, and which view the URL names.

import { get, isOver } from './api.js';
import * as auth from './auth.js';
import * as curl from './curl.js';
import { el, field, fill, select } from './dom.js';
import { help, listen, viewKeys } from './keys.js';
import { poll } from './poll.js';
import { link, start } from './router.js';
import { loading, problem } from './states.js';
import * as time from './time.js';
import { show as deliveries } from './deliveries.js';
import { show as feed } from './feed.js';
import { show as models } from './models.js';
import { show as rebuilds } from './rebuilds.js';
import { show as stats } from './stats.js';
import { show as stream } from './stream.js';
import { show as streams } from './streams.js';

const VIEWS = {
  feed: { title: 'Feed', show: feed },
  streams: { title: 'Streams', show: streams },
  stream: { title: 'Stream', show: stream, under: 'streams' },
  models: { title: 'Read models', show: models },
  deliveries: { title: 'Deliveries', show: deliveries },
  rebuilds: { title: 'Rebuilds', show: rebuilds },
  stats: { title: 'Statistics', show: stats },
};
const THEMES = [['', 'System'], ['light', 'Light'], ['dark', 'Dark']];
const THEME = 'strangelog.theme';

const main = document.getElementById('main');
let about;
let shown = new AbortController();
let isFirst = true;

async function begin() {
  theme(localStorage.getItem(THEME) ?? '');
  document.getElementById('skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  try {
    ({ body: about } = await get('/console/about.json'));
  } catch (error) {
    fill(main, problem(error, () => location.reload()));
    return;
  }
  const isLocal = ['localhost', '127.0.0.1'].includes(location.hostname);
  auth.configure(about.auth);
  curl.configure(about, isLocal);
  const wrong = await auth.comeBack();
  const stack = document.getElementById('stack');
  stack.textContent = isLocal ? 'local' : about.name;
  stack.title = `stack ${about.name}, version ${about.version}`;
  listen();
  setInterval(() => time.mode() === 'relative' && time.refresh(), 5000);
  addEventListener('refused', switches);
  switches();
  start(show);
  if (wrong) main.prepend(problem(new Error(wrong)));
}

/** Shows the view of a place; what the last one was waiting for ends. */
async function show(place) {
  shown.abort();
  shown = new AbortController();
  viewKeys({});
  const [name] = place.path;
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : { title: 'Not found', show: missing };
  navigation(view.under ?? name);
  const { signal } = shown;
  const root = el('div', { class: `view view-${name}` }, loading(view.title.toLowerCase()));
  fill(main, root);
  const title = (text) => {
    document.title = `${text} – Strangelog ${about.name}`;
  };
  title(view.title);
  if (!isFirst) main.focus({ preventScroll: true });
  if (!isFirst) scrollTo(0, 0);
  isFirst = false;
  const context = { about, place, root, signal, title, every: (milliseconds, work, failed) => poll(signal, milliseconds, work, failed), aggregate, hasPast };
  try {
    await view.show(context);
  } catch (error) {
    if (!isOver(error) && !signal.aborted) fill(root, el('h1', {}, view.title), problem(error, () => show(place)));
  }
}

function missing({ root, place }) {
  fill(root, el('h1', {}, 'Not found'), el('p', {}, `There is no view ${place.path.join('/')}. `, el('a', { href: '#feed' }, 'To the feed')));
}

/** The aggregate of a category. */
const aggregate = (category) => about.aggregates.find((one) => one.category === category);

/** Whether a stream of a category goes on after its first event, so that moments of it differ. */
const hasPast = (category) => aggregate(category)?.commands.some((command) => command.route.includes('{id}')) ?? false;

function navigation(current) {
  const views = Object.entries(VIEWS).filter(([, view]) => !view.under);
  const links = views.map(([name, { title }]) => el('a', { href: link([name]), 'aria-current': name === current ? 'page' : null }, title));
  fill(document.getElementById('nav'), links);
}

function theme(chosen) {
  localStorage.setItem(THEME, chosen);
  document.documentElement.className = chosen;
}

function switches() {
  const times = select({ 'aria-label': 'Times', value: time.mode(), onchange: (event) => time.setMode(event.target.value) }, time.MODES);
  const themes = select({ 'aria-label': 'Colours', value: localStorage.getItem(THEME) ?? '', onchange: (event) => theme(event.target.value) }, THEMES);
  const who = auth.caller();
  const sign = el('button', { type: 'button', class: who ? '' : 'primary', onclick: token, title: 'Who looks: sign in, or paste a token' }, who ? `As ${who}` : 'Sign in');
  const keys = el('button', { type: 'button', 'aria-label': 'Keys', title: 'Keys (?)', onclick: help }, '?');
  fill(document.getElementById('switches'), times, themes, sign, keys);
}

/** Asks who looks. */
function token() {
  const input = el('textarea', { rows: 4, spellcheck: 'false', autocomplete: 'off', autofocus: true });
  const close = (text) => {
    if (text !== undefined) auth.setToken(text);
    dialog.close();
    switches();
    if (text !== undefined) dispatchEvent(new Event('hashchange'));
  };
  const found = auth.claims();
  const scopes = [found?.scope, found?.scp].flat().filter(Boolean).join(' ');
  const dialog = el(
    'dialog', { 'aria-labelledby': 'dialog-title', onclose: () => dialog.remove() },
    el('h2', { id: 'dialog-title' }, 'Who looks'),
    auth.token() ? el('p', {}, `You look as ${auth.caller()}. `, scopes ? `Scopes: ${scopes}.` : 'What the token allows cannot be read here.') : el('p', {}, auth.canSignIn() ? 'You are not signed in.' : 'No sign-in is configured. The local stack needs none; elsewhere paste a token.'),
    auth.canSignIn() && el('p', {}, el('button', { type: 'button', class: 'primary', onclick: auth.signIn }, 'Sign in')),
    field('A token', input, 'Kept in this tab only, and sent to this API only.'),
    el(
      'p', { class: 'buttons' },
      el('button', { type: 'button', onclick: () => input.value.trim() && close(input.value) }, 'Use this token'),
      auth.token() && el('button', { type: 'button', onclick: () => close('') }, 'Sign out'),
      el('button', { type: 'button', onclick: () => close() }, 'Close'),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

begin();
