// The fields of forms that ask about the past: a moment of a stream, and what a command takes.

import { json } from './api.js';
import { el, field, fill, select } from './dom.js';
import { major, minor } from './money.js';
import { before, mode } from './time.js';

const HOUR = 3_600_000;
const SPANS = { s: 1000, m: 60_000, h: HOUR, d: 24 * HOUR };
const HINT = '7 · 2026-11-21 15:47 · 2h ago';
const LONG = 'a version (7), a time (2026-11-21 15:47, or with a zone), or so long ago (2h ago)';

/** Reads what was typed: `{ version }`, `{ at }`, `{}` for now, or `{ wrong }`. */
export function read(text) {
  const typed = text.trim();
  if (!typed || typed === 'now') return {};
  if (/^\d+$/.test(typed)) return { version: Number(typed) };
  const ago = /^-?(\d+)\s*([smhd])(in|our|ay)?s?(\s+ago)?$/.exec(typed);
  if (ago) return { at: before(Date.now(), Number(ago[1]) * SPANS[ago[2]]) };
  const zoned = /(z|[+-]\d\d:?\d\d)$/i.test(typed) && /\d:\d/.test(typed);
  const plain = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?( utc)?$/i.test(typed);
  if (!zoned && !plain) return { wrong: `“${typed}” is no moment: needed is ${LONG}` };
  // Microseconds are kept: an event's own time must lead to its own version.
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(typed)) return { at: typed };
  let iso = typed.replace(/ utc$/i, 'Z').replace(/^(\d{4}-\d\d-\d\d) /, '$1T').replace(/ (?=[+-]\d\d)/, '');
  if (/^\d{4}-\d\d-\d\d$/.test(iso)) iso += 'T00:00';
  if (plain && !/z$/i.test(iso) && mode() === 'utc') iso += 'Z';
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? { wrong: `“${typed}” is no day and time` } : { at: date.toISOString() };
}

/** A moment as one parameter, and in the URL. */
export const asText = ({ version, at }) => (version === undefined ? (at ?? '') : String(version));

/** Some moments that one often looks for, from the last event of a stream. */
export function picks(last) {
  return [
    ['an hour before the last event', before(last.timestamp, HOUR)],
    ['just before the last event', String(last.version - 1)],
    ['the first version', '1'],
    ['the last version', String(last.version)],
    ['now', ''],
  ];
}

/** The field. `change` is called with what was read whenever it is made out; `set(text)` sets it. */
export function momentField(label, value, choices, change, placeholder = 'now') {
  const wrong = el('small', { class: 'wrong', role: 'alert' });
  const input = el('input', { type: 'text', value: value ?? '', placeholder, title: LONG, autocomplete: 'off', spellcheck: 'false', onchange: taken });
  function taken() {
    const found = read(input.value);
    wrong.textContent = found.wrong ?? '';
    input.setAttribute('aria-invalid', String(Boolean(found.wrong)));
    if (!found.wrong) change(found);
  }
  const set = (text) => {
    input.value = text;
    taken();
  };
  const buttons = choices.map(([text, moment]) => el('button', { type: 'button', class: 'small', onclick: () => set(moment) }, text));
  const node = el('div', { class: 'moment' }, field(label, input, HINT), wrong, el('div', { class: 'picks' }, buttons));
  return { node, input, set, read: () => read(input.value) };
}

/** The control of one field of a command, as the build describes it. `changed` hears of any change, `meant` of major units that were taken instead. */
export function control({ name, type, format, choices, required, why }, given, currency, changed, meant) {
  const note = el('small', { class: 'hint' });
  const attributes = { name, required, value: given ?? '', 'aria-required': String(Boolean(required)), oninput: () => { hint(); changed(); } };
  const options = choices ?? (type === 'boolean' ? ['true', 'false'] : null);
  const input = options
    ? select(attributes, [['', required ? 'choose …' : 'not given'], ...options])
    : el('input', { type: 'text', inputmode: type === 'integer' ? 'numeric' : null, autocomplete: 'off', spellcheck: 'false', ...attributes });
  function hint() {
    const text = input.value.trim();
    const unit = type === 'integer' && currency();
    if (!unit || !/^-?\d+$/.test(text)) fill(note);
    else {
      const whole = minor(text, unit);
      const use = el('button', { type: 'button', class: 'small', onclick: () => { input.value = whole; hint(); meant(); } }, `I mean ${major(whole, unit)}`);
      fill(note, el('b', {}, major(text, unit)), ' (minor units are typed)', text.length < 4 && whole !== text && [' ', use]);
    }
  }
  const read = () => {
    const text = input.value.trim();
    // What is missing, the API says: now and then one field stands in for another.
    if (!text) return {};
    if (type === 'boolean') return { value: text === 'true' };
    if (type !== 'integer') return { value: input.value };
    return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? { value: Number(text) } : { wrong: `${name} must be a whole number, of minor units if it is money` };
  };
  const about = [required ? 'required' : 'optional', format, why].filter(Boolean).join(' · ');
  return { name, input, hint, read, node: el('div', { class: 'control' }, field(name, input, about), note) };
}

/** JSON, where the build describes no fields: the data of a command, or events. */
export function rawControl(command, stream, changed) {
  const example = command ? '{}' : json([{ type: stream.kind.event_types[0], data: {} }], 2);
  const input = el('textarea', { rows: 6, spellcheck: 'false', value: example, oninput: changed });
  const read = () => {
    try {
      const data = JSON.parse(input.value);
      return command || Array.isArray(data) ? { data } : { wrong: 'events are a list: [{"type": …, "data": {…}}]' };
    } catch (error) {
      return { wrong: `this is no JSON: ${error.message}` };
    }
  };
  const hint = command ? 'as JSON' : `as JSON; types: ${stream.kind.event_types.join(', ')}`;
  return { input, hint: () => null, read, node: field(command ? 'Its data' : 'Events', input, hint) };
}
