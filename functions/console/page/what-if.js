// What if this had been asked, then? Decided by the very code that runs in production; nothing is written.

import { call, get, isOver, json } from './api.js';
import { terminal, tool } from './curl.js';
import { announce, el, field, fill, select } from './dom.js';
import { asText, control, momentField, picks, rawControl } from './moment.js';
import { currencyOf, isWhole, major } from './money.js';
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
  const moment = momentField('At', params.version ?? params.at ?? '', stream.last ? picks(stream.last) : [], moved);
  const isAsked = (one) => one.route.includes('{id}') && !one.route.startsWith('DELETE');
  const choices = [...commands.map(({ type }) => [type, type]), [EVENTS, 'events of your own (JSON)']];
  const isKnown = choices.some(([type]) => type === params.command);
  const start = isKnown ? params.command : (commands.find(isAsked) ?? commands[0]).type;
  const which = select({ value: start, onchange: () => form({}) }, choices);
  const inputs = el('div', { class: 'inputs' });
  const stood = el('div', { class: 'stood' });
  const result = el('div', { 'aria-live': 'polite' });
  const lines = terminal(shell);
  let state = null;
  let fields = [];
  let asking = 0;

  fill(
    root,
    el(
      'div', { class: 'what-if' },
      el('p', { class: 'banner' }, el('b', {}, 'WHAT-IF'), ' Nothing is written. What is asked here is decided as it would have been then, by the code that decides in production.'),
      el('form', { onsubmit: submit, oninput: stale, onchange: () => result.hasChildNodes() || remember(false), novalidate: true }, moment.node, stood, field('If it had been asked to', which), inputs, el('button', { type: 'submit', class: 'primary' }, 'What if?')),
      result,
    ),
    lines.node,
  );
  form(Object.fromEntries(Object.entries(params).filter(([name]) => name.startsWith(FIELD)).map(([name, value]) => [name.slice(FIELD.length), value])));
  await situate();
  if (params.run && isKnown && fields.every((one) => one.name)) await run();

  /** An answer goes with its question: where that changes, it is neither shown nor in the URL any more. */
  function stale() {
    if (!result.hasChildNodes()) return;
    asking += 1;
    fill(result);
    remember(false);
  }

  function moved() {
    stale();
    return situate();
  }

  /** Major units were meant: what was asked before is asked anew with them. */
  function meant() {
    const wasAsked = result.hasChildNodes();
    stale();
    lines.update();
    if (wasAsked) run();
    else remember(false);
  }

  /** Keeps in the URL what the form says, and whether it is asked. What is typed as JSON is not kept, so it is not asked by a link. */
  function remember(isRun) {
    const at = moment.read();
    const kept = fields.filter((one) => one.name).map((one) => [FIELD + one.name, one.input.value]);
    const isAll = kept.length === fields.length;
    keep({ ...(asText(at) && { [at.version === undefined ? 'at' : 'version']: asText(at) }), command: which.value, ...Object.fromEntries(kept), run: isRun && isAll ? 1 : '' });
  }

  /** Shows what it was like at that moment, which the form is about. */
  async function situate() {
    const at = moment.read();
    if (at.wrong) return;
    const text = moment.input.value;
    lines.update();
    try {
      const { body: found } = at.version === 0 ? { body: { version: 0, state: null } } : await get(`${stream.path}/state`, { version: at.version, at: at.at }, signal);
      if (text !== moment.input.value) return;
      state = found;
      fill(stood, el('details', {}, el('summary', {}, state.version === 0 ? 'There was nothing yet then.' : ['It was then at version ', String(state.version), ' since ', time(state.timestamp), short(state.state)]), tree(state.state)));
    } catch (error) {
      if (isOver(error) || text !== moment.input.value) return;
      state = null;
      fill(stood, problem(error));
    }
    fields.forEach((one) => one.hint());
  }

  function form(values) {
    const command = commands.find(({ type }) => type === which.value);
    fields = command ? command.fields.map((one) => control(one, values[one.name], () => currencyOf(state?.state) ?? currencyOf(typed().data), lines.update, meant)) : [];
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
    asking += 1;
    const mine = asking;
    const at = moment.read();
    const { data, wrong, at: bad } = typed();
    if (at.wrong || wrong) {
      fill(result, el('p', { class: 'wrong', role: 'alert' }, at.wrong ?? wrong));
      (bad?.input ?? moment.input).focus();
      return;
    }
    remember(true);
    lines.update();
    fill(result, loading('the answer'));
    try {
      const { body: answer } = await call('POST', path, { body: body(data), signal });
      if (mine !== asking) return;
      const currency = currencyOf(state?.state) ?? currencyOf(data);
      const said = headline(answer.accepted, which.value === EVENTS ? null : question(which.value, data, currency));
      fill(result, answer.accepted ? accepted(answer, said, which.value === EVENTS) : refused(answer, said, currency));
      announce(said);
    } catch (error) {
      if (!isOver(error) && mine === asking) fill(result, problem(error));
    }
  }
}

/** The first few values of a state, in a line. */
function short(state) {
  const currency = currencyOf(state);
  const money = Object.entries(state ?? {}).filter(([key, value]) => currency && isWhole(value) && key === 'balance');
  return money.map(([key, value]) => [`: ${key} `, el('b', {}, major(value, currency))]);
}

/** A command with what it was given, amounts in major units. */
function question(type, data, currency) {
  const shown = (key, value) => {
    if (isWhole(value) && currency) return `${key === 'amount' ? '' : `${key} `}${major(value, currency)}`;
    return `${key} ${value !== null && typeof value === 'object' ? json(value) : value}`;
  };
  return [type, Object.entries(data ?? {}).map(([key, value]) => shown(key, value)).join(', ')].filter(Boolean).join(' ');
}

/** What came of a question. Events that somebody made up were decided by nobody, so that they are not approved either. */
function headline(isAccepted, asked) {
  if (asked === null) return isAccepted ? 'This is what would have come of these events; no rule was asked' : 'These events would not have been possible';
  return `It would have been ${isAccepted ? 'accepted' : 'refused'}: ${asked}`;
}

function refused({ version, refusal }, said, currency) {
  const known = ['type', 'title', 'status', 'detail', 'code', 'version'];
  const more = Object.fromEntries(Object.entries(refusal).filter(([key]) => !known.includes(key)));
  return el(
    'div', { class: 'answer refused' },
    el('h2', {}, `✗ ${said}`),
    el('p', {}, el('b', {}, refusal.title), `: ${refusal.detail ?? ''}`),
    Object.keys(more).length > 0 && tree(more, [], currency),
    el('p', { class: 'quiet' }, `By the rules, at version ${version}. Nothing was written.`),
  );
}

function accepted({ version, timestamp, events, state, changes, unchecked }, said, isSupposed) {
  const currency = currencyOf(state);
  const items = events.map((event) => el('li', {}, el('b', {}, event.type), event.version !== undefined && ` (it would have been version ${event.version})`, tree(event.data)));
  return el(
    'div', { class: `answer ${isSupposed ? 'supposed' : 'accepted'}` },
    el('h2', {}, isSupposed ? said : `✓ ${said}`),
    events.length ? el('ol', {}, items) : el('p', {}, 'And would have changed nothing: it was so already.'),
    el('h3', {}, 'The state after it'), tree(state, changes ?? []),
    el('h3', {}, 'What it would have changed'), changeTable(changes ?? [], currency),
    unchecked?.length > 0 && el('p', { class: 'behind' }, `Not looked up: whether ${unchecked.join(' and ')} was free then.`),
    el('p', { class: 'quiet' }, `On top of version ${version}`, timestamp && [' of ', time(timestamp)], '. Nothing was written.'),
  );
}
