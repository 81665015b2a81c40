// Shows moments in UTC, in local time or as so long ago; the choice is remembered, and changes all that is on the page.

import { el } from './dom.js';

const KEY = 'strangelog.time';
export const MODES = [['utc', 'UTC'], ['local', 'Local'], ['relative', 'Relative']];

export const mode = () => localStorage.getItem(KEY) ?? 'local';

/** Chooses how moments are shown. */
export function setMode(chosen) {
  localStorage.setItem(KEY, chosen);
  refresh();
}

/** A moment (RFC 3339), which changes with the choice. */
export function time(moment) {
  if (!moment) return el('span', { class: 'quiet' }, '–');
  return shown(el('time', { datetime: moment }));
}

function shown(node) {
  const moment = node.dateTime;
  node.textContent = told(moment);
  node.title = `${told(moment, 'utc')} · ${told(moment, 'local')} · ${told(moment, 'relative')}`;
  return node;
}

/** Shows all moments on the page anew. */
export function refresh() {
  document.querySelectorAll('time').forEach(shown);
}

/** A moment in words. */
export function told(moment, how = mode()) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  if (how === 'utc') return `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
  return how === 'local' ? local(date) : ago(Date.now() - date.getTime());
}

function local(date) {
  const two = (number) => String(Math.abs(number)).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${clock}.${String(date.getMilliseconds()).padStart(3, '0')} ${zone}`;
}

/** So many milliseconds, in the largest unit that fits. */
export function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

function ago(milliseconds) {
  if (Math.abs(milliseconds) < 1500) return 'now';
  return milliseconds < 0 ? `in ${span(-milliseconds)}` : `${span(milliseconds)} ago`;
}

/** The moment so many milliseconds before another one. */
export function before(moment, milliseconds) {
  return new Date(new Date(moment).getTime() - milliseconds).toISOString();
}
