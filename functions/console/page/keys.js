// The keys, and the page that shows them.

import { el } from './dom.js';
import { go } from './router.js';

const KEYS = [
  ['g then f, s, m, d, r, t', 'go to the feed, streams, read models, deliveries, rebuilds, statistics'],
  ['/', 'look for a stream'],
  ['← →', 'one version back or on (in the slider)'],
  ['Home End', 'the first or the last version (in the slider)'],
  ['space', 'play or pause (in the slider, and the feed)'],
  ['Tab, Enter', 'reach and open everything'],
  ['Esc', 'close what is open'],
  ['?', 'this'],
];
const PLACES = { f: 'feed', s: 'streams', m: 'models', d: 'deliveries', r: 'rebuilds', t: 'stats' };

let leading = false;
let current = {};

/** The keys of the view that is shown, by their names: they go when the next view comes. */
export function viewKeys(keys) {
  current = keys;
}

/** Whether a key that is pressed belongs to what has the focus. */
function isTaken(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return true;
  if (target.matches('input[type=range]')) return ['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown'].includes(event.key);
  if (target.matches('input, textarea, select, [contenteditable]')) return true;
  return event.key === ' ' && target.matches('button, summary, a');
}

/** Begins to listen. */
export function listen() {
  addEventListener('keydown', (event) => {
    if (isTaken(event)) return;
    const act = current[event.key] ?? (leading ? PLACES[event.key] && (() => go([PLACES[event.key]])) : general[event.key]);
    leading = !leading && event.key === 'g';
    if (!act) return;
    event.preventDefault();
    act();
  });
}

const general = { '?': help, '/': () => go(['streams']) };

/** Shows the keys. */
export function help() {
  const rows = KEYS.map(([keys, what]) => [el('dt', {}, el('kbd', {}, keys)), el('dd', {}, what)]);
  const close = el('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Close');
  const dialog = el('dialog', { 'aria-label': 'Keys', onclose: () => dialog.remove() }, el('h2', {}, 'Keys'), el('dl', { class: 'fields' }, rows), close);
  document.body.append(dialog);
  dialog.showModal();
}
