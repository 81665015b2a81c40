// Asks for a reason before anything is changed; it stands in a stream for good, beside who asked.

import { call } from './api.js';
import { curl } from './curl.js';
import { announce, el, field, fill } from './dom.js';
import { problem } from './states.js';

/** Asks, calls, and closes. `request(reason)` is the call; that `what` is asked for is said in `note`, and read from there on. */
export function ask({ title, text, label, request, what, note }) {
  // The same key for each try, so that a second click, or a lost answer, does it once.
  const key = crypto.randomUUID();
  const reason = el('textarea', { required: true, maxlength: 500, rows: 3, name: 'reason', autofocus: true, oninput: update });
  const wrong = el('div');
  const line = el('pre');
  const send = el('button', { type: 'submit', class: 'primary' }, label);
  const form = el(
    'form', { novalidate: true, onsubmit: submit },
    el('h2', { id: 'dialog-title' }, title),
    el('p', {}, text),
    field('Reason', reason, 'It stands in a stream for good, with your name. At least a ticket, or what you saw.'),
    wrong,
    el('details', {}, el('summary', {}, 'What is called'), line),
    el('p', { class: 'buttons' }, send, el('button', { type: 'button', onclick: () => dialog.close() }, 'Leave it')),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', onclose: () => dialog.remove() }, form);
  document.body.append(dialog);
  update();
  dialog.showModal();

  function update() {
    line.textContent = curl(request(reason.value.trim() || '…'));
  }

  async function submit(event) {
    event.preventDefault();
    const given = reason.value.trim();
    if (!given) {
      fill(wrong, el('p', { class: 'wrong', role: 'alert' }, 'A reason is needed: say why.'));
      reason.focus();
      return;
    }
    send.disabled = true;
    try {
      const { method, path, ...rest } = request(given);
      const { body } = await call(method, path, { ...rest, key });
      announce(`${title}: asked for`);
      dialog.close();
      const said = el('p', { class: 'done', role: 'status', tabindex: -1 }, `The ${what} is asked for, as `, el('code', {}, `ops-${body.id}`), '. The consumer hears of it in a moment.');
      fill(note, said);
      said.focus();
    } catch (error) {
      fill(wrong, problem(error));
      send.disabled = false;
    }
  }
}
