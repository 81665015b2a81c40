// The same from a terminal: for each view the call as curl, and the line of `strangelog`, the operators' tool.

import { API, json, pathOf } from './api.js';
import { token } from './auth.js';
import { copyButton, el } from './dom.js';

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** A word of a command line, quoted where a shell would take it apart. */
export const word = (text) => (/^[\w./:@%+=,-]+$/.test(text) ? text : quoted(text));

/** A call as curl. The token itself is not shown. */
export function curl({ method = 'GET', path, params, body }) {
  const lines = [`curl -s${method === 'GET' ? '' : ` -X ${method}`} "$API${pathOf(path, params)}"`];
  if (token()) lines.push('  -H "Authorization: Bearer $TOKEN"');
  if (body) lines.push(`  -H 'content-type: application/json' -d ${quoted(json(body))}`);
  return lines.join(' \\\n');
}

const STACK = 'strangelog';
let place = {};

/** Says which stack the lines of the operators' tool are for: `dynamodb` is where a local one keeps its tables. */
export function configure({ name, dynamodb }, isLocal) {
  if (dynamodb) place = { endpoint: dynamodb };
  else if (name !== STACK && !isLocal) place = { stack: name };
}

/** The line of the operators' tool; options without a value are left out. */
export function tool(words, options = {}) {
  const given = Object.entries({ ...options, ...place }).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return ['strangelog', ...words.map(word), ...given.map(([name, value]) => `--${name} ${word(String(value))}`)].join(' ');
}

/** The section at the foot of a view. `lines()` gives `{ curl, tool }` for what is shown at that moment. */
export function terminal(lines) {
  const shown = el('div');
  const node = el('details', { class: 'terminal', ontoggle: update }, el('summary', {}, 'The same from a terminal'), shown);
  function update() {
    if (!node.open) return;
    const found = lines();
    const text = [`API=${API}`, ...(token() ? ['TOKEN=…   # your token'] : []), curl(found.curl)].join('\n');
    shown.replaceChildren(
      block(text, () => `API=${API}\n${curl(found.curl)}`, 'Copy the curl lines'),
      ...(found.tool ? [block(found.tool, () => found.tool, 'Copy the strangelog line')] : []),
    );
  }
  return { node, update };
}

function block(text, copied, label) {
  return el('div', { class: 'copyable' }, el('pre', {}, text), copyButton(copied, label));
}
