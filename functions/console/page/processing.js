// By whom one stream was processed; and a way to have one consumer make it anew.

import { get } from './api.js';
import { terminal, tool } from './curl.js';
import { deliveryRow, redrive, table } from './deliveries.js';
import { ask } from './dialog.js';
import { el, fill, isHeld, select } from './dom.js';
import { guarded, loading, told } from './states.js';

const EVERY = 4000;

export async function show({ about, root, signal, every, stream }) {
  const found = el('div', {}, loading('who processed it'));
  const note = el('div');
  const models = about.read_models[stream.category] ?? [];
  const model = select({ 'aria-label': 'Read model' }, models);
  const lines = terminal(() => ({ curl: { path: `${stream.path}/deliveries` }, tool: tool(['deliveries'], { stream: stream.name }) }));
  const remake = el('p', { class: 'buttons' }, 'Make this stream’s row anew in the read model ', model, ' ', guarded('ops:write', 'Reprocess', reprocess));
  fill(root, note, found, models.length > 0 && remake, lines.node);
  await every(EVERY, look, told(note, found));

  async function look() {
    const { body } = await get(`${stream.path}/deliveries`, {}, signal);
    if (isHeld(found)) return;
    const nobody = body.processed_by_nobody;
    const rows = body.data.map((one) => deliveryRow({ ...one, stream: one.stream ?? stream.name }, (name) => redrive(one.consumer, name, note), false));
    fill(
      found,
      el('p', {}, `The stream is at version ${body.version}; `, body.published < body.version ? el('b', {}, `the publisher has seen ${body.published}. `) : 'all of it is published. ', nobody && el('b', { class: 'wrong' }, `Versions ${nobody[0]} to ${nobody[1]} were processed by nobody.`)),
      table(el('tbody', {}, rows), false),
    );
  }

  function reprocess() {
    const consumer = model.value;
    ask({
      title: 'Reprocess one stream',
      text: `${consumer} makes its row of ${stream.name} anew from the events, in all generations that there are. Nothing else is touched.`,
      label: 'Reprocess',
      request: (reason) => ({ method: 'POST', path: '/rebuilds', body: { consumer, stream: stream.name, reason } }),
      what: 'reprocessing', note,
    });
  }
}
