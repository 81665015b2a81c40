// What if this had been asked, then? Decided by the very code that runs in production; nothing is written.

import { call, get, isOver, json } from './api.js';
import { terminal, tool } from './curl.js';
import { announce, el, field, fill, select } from './dom.js';
import { asText, momentField, picks, read } from './moment.js';
import { currencyOf, isWhole, major, minor } from './money.js';
import { keep } from './router.js';
import { loading, problem } from './states.js';
import { time } from './time.js';
import { changeTable, tree } from './value.js';

const EVENTS = 'events';
const FIELD = 'f.';

export async function show({ place, root, signal, stream }) {
  const { params } = place;
  const commands = stream.kind.commands.filter(({ route }) => route);
  const path = `${stream.path}/what-if`;
  const moment = momentField('At', params.version ?? params.at ?? '', stream.last ? picks(stream.last) : [], situate);
  const isAsked = (one) => one.route.includes('{id}') && !one.route.startsWith('DELETE');
  const start = params.command ?? (commands.find(isAsked) ?? commands[0]).type;
  const choices = [...commands.map(({ type }) => [type, type]), [EVENTS, 'events of your own (JSON)']];
  const which = select({ value: start, onchange: () => form({}) }, choices);
  const inputs = el('div', { class: 'inputs' });
  const stood = el('div', { class: 'stood' });
  const result = el('div', { 'aria-live': 'polite' });
  const lines = terminal(shell);
  let state = null;
  let fields = [];

  fill(
    root,
    el(
      'div', { class: 'what-if' },
      el('p', { class: 'banner' }, el('b', {}, 'WHAT-IF'), ' Nothing is written. What is asked here is decided as it would have been then, by the code that decides in production.'),
      el('form', { onsubmit: submit, novalidate: true }, moment.node, stood, field('If it had been asked to', which), inputs, el('button', { type: 'submit', class: 'primary' }, 'What if?')),
      result,
    ),
    lines.node,
  );
  form(Object.fromEntries(Object.entries(params).filter(([name]) => name.startsWith(FIELD)).map(([name, value]) => [name.slice(FIELD.length), value])));
  await situate();
  if (params.run) await run();

  /** Shows what it was like at that moment, which the form is about. */
  async function situate() {
    const at = moment.read();
    if (at.wrong) return;
    lines.update();
    try {
      if (at.version === 0) state = { version: 0, state: null };
      else ({ body: state } = await get(`${stream.path}/state`, { version: at.version, at: at.at }, signal));
      fill(stood, el('details', {}, el('summary', {}, state.version === 0 ? 'There was nothing yet then.' : ['It was then at version ', String(state.version), ' since ', time(state.timestamp), short(state.state)]), tree(state.state)));
    } catch (error) {
      if (isOver(error)) return;
      state = null;
      fill(stood, problem(error));
    }
    fields.forEach((one) => one.hint());
  }

  function form(values) {
    const command = commands.find(({ type }) => type === which.value);
    fields = command ? command.fields.map((one) => control(one, values[one.name], () => currencyOf(state?.state) ?? currencyOf(typed().data), lines.update)) : [];
    const raw = !fields.length;
    if (raw) fields = [rawControl(command, stream, lines.update)];
    fill(inputs, fields.map((one) => one.node));
    lines.update();
  }

  /** What the form says: `{ data }`, or what is wrong with it. */
  function typed() {
    const data = {};
    for (const one of fields) {
      if (!one.name) return one.read();
      const { value, wrong } = one.read();
      if (wrong) return { wrong, at: one };
      if (value !== undefined) data[one.name] = value;
    }
    return { data };
  }

  function body(data) {
    const at = moment.read();
    const when = at.version === undefined ? (at.at ? { at: at.at } : {}) : { version: at.version };
    return which.value === EVENTS ? { ...when, events: data } : { ...when, command: { type: which.value, data } };
  }

  function shell() {
    const { data = {} } = typed();
    const at = moment.read();
    const asked = which.value === EVENTS ? { events: json(data) } : { command: which.value, data: json(data) };
    return { curl: { method: 'POST', path, body: body(data) }, tool: tool(['what-if', stream.name], { version: at.version, at: at.at, ...asked }) };
  }

  function submit(event) {
    event.preventDefault();
    return run();
  }

  async function run() {
    const at = moment.read();
    const { data, wrong, at: bad } = typed();
    if (at.wrong || wrong) {
      fill(result, el('p', { class: 'wrong', role: 'alert' }, at.wrong ?? wrong));
      (bad?.input ?? moment.input).focus();
      return;
    }
    const kept = fields.filter((one) => one.name).map((one) => [FIELD + one.name, one.input.value]);
    keep({ ...(asText(at) && { [at.version === undefined ? 'at' : 'version']: asText(at) }), command: which.value, ...Object.fromEntries(kept), run: 1 });
    lines.update();
    fill(result, loading('the answer'));
    try {
      const { body: answer } = await call('POST', path, { body: body(data), signal });
      fill(result, answer.accepted ? accepted(answer) : refused(answer, currencyOf(state?.state)));
      announce(answer.accepted ? 'It would have been accepted' : 'It would have been refused');
    } catch (error) {
      if (!isOver(error)) fill(result, problem(error));
    }
  }
}

/** The first few values of a state, in a line. */
function short(state) {
  const currency = currencyOf(state);
  const money = Object.entries(state ?? {}).filter(([key, value]) => currency && isWhole(value) && key === 'balance');
  return money.map(([key, value]) => [`: ${key} `, el('b', {}, major(value, currency))]);
}

function refused({ version, refusal }, currency) {
  const known = ['type', 'title', 'status', 'detail', 'code', 'version'];
  const more = Object.fromEntries(Object.entries(refusal).filter(([key]) => !known.includes(key)));
  return el(
    'div', { class: 'answer refused' },
    el('h2', {}, '✗ It would have been refused'),
    el('p', {}, el('b', {}, refusal.title), `: ${refusal.detail ?? ''}`),
    Object.keys(more).length > 0 && tree(more, [], currency),
    el('p', { class: 'quiet' }, `By the rules, at version ${version}. Nothing was written.`),
  );
}

function accepted({ version, timestamp, events, state, changes, unchecked }) {
  const currency = currencyOf(state);
  const items = events.map((event) => el('li', {}, el('b', {}, event.type), event.version !== undefined && ` (it would have been version ${event.version})`, tree(event.data)));
  return el(
    'div', { class: 'answer accepted' },
    el('h2', {}, '✓ It would have been accepted'),
    events.length ? el('ol', {}, items) : el('p', {}, 'And would have changed nothing: it was so already.'),
    el('h3', {}, 'The state after it'), tree(state, changes ?? []),
    el('h3', {}, 'What it would have changed'), changeTable(changes ?? [], currency),
    unchecked?.length > 0 && el('p', { class: 'behind' }, `Not looked up: whether ${unchecked.join(' and ')} was free then.`),
    el('p', { class: 'quiet' }, `On top of version ${version}`, timestamp && [' of ', time(timestamp)], '. Nothing was written.'),
  );
}

/** The control of one field, as the build describes it. */
function control({ name, type, format, choices, required, why }, given, currency, changed) {
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
      const use = el('button', { type: 'button', class: 'small', onclick: () => { input.value = whole; hint(); changed(); } }, `I mean ${major(whole, unit)}`);
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
function rawControl(command, stream, changed) {
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
