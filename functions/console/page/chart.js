// Small drawings: a line for a trend, bars for days. SVG, and a table beside it for those who do not see it.

import { el, svg } from './dom.js';

/** A line of the last values of something. */
export function sparkline(values, label) {
  const [width, height] = [96, 24];
  const top = Math.max(1, ...values);
  const x = (at) => (values.length < 2 ? width : (at / (values.length - 1)) * width);
  const points = values.map((value, at) => `${x(at).toFixed(1)},${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`);
  return svg(
    'svg', { viewBox: `0 0 ${width} ${height}`, width, height, class: 'spark', role: 'img', 'aria-label': label },
    svg('polyline', { points: points.join(' '), fill: 'none' }),
    values.length > 0 && svg('circle', { cx: width - 2, cy: points.at(-1).split(',')[1], r: 2 }),
  );
}

/** Whether something goes up, down or stays, over its last values. */
export function trend(values) {
  const some = values.slice(-6);
  if (some.length < 2) return ['·', 'no trend yet'];
  const by = some.at(-1) - some[0];
  return by > 0 ? ['↑', `up by ${by}`] : by < 0 ? ['↓', `down by ${-by}`] : ['→', 'steady'];
}

/** Bars by day, one colour for each series; `told(value)` says a value. */
export function bars(title, days, series, told = String) {
  const [width, height, left] = [720, 160, 4];
  const values = series.flatMap(({ values: some }) => some);
  const top = Math.max(1, ...values);
  const low = Math.min(0, ...values);
  const y = (value) => 10 + ((top - value) / (top - low)) * (height - 30);
  const slot = (width - 2 * left) / Math.max(days.length, 1);
  const bar = Math.max(1, Math.min(24, (slot * 0.8) / series.length));
  const drawn = days.map((day, at) => series.map(({ name, values: some }, which) => {
    const value = some[at];
    const from = Math.min(y(value), y(0));
    const x = left + at * slot + (slot - bar * series.length) / 2 + which * bar;
    return value === 0 ? null : svg(
      'rect', { x: x.toFixed(1), y: from.toFixed(1), width: bar.toFixed(1), height: Math.max(1, Math.abs(y(value) - y(0))).toFixed(1), class: `series-${which}` },
      svg('title', {}, `${day}: ${told(value)} ${name}`),
    );
  }));
  const labels = [0, days.length - 1].filter((at, index) => days[at] && (index === 0 || at > 0)).map((at) => svg('text', { x: at ? width - left : left, y: height - 4, 'text-anchor': at ? 'end' : 'start' }, days[at]));
  const legend = series.map(({ name, values: some }, at) => el('li', {}, el('span', { class: `key series-${at}` }), `${name}: ${told(some.reduce((sum, one) => sum + one, 0))}`));
  return el(
    'figure', { class: 'chart' },
    el('figcaption', {}, el('b', {}, title), el('ul', { class: 'legend' }, legend)),
    svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title}, by day; the table below says the same` }, svg('line', { x1: left, x2: width - left, y1: y(0), y2: y(0), class: 'axis' }), drawn, labels),
    el('details', {}, el('summary', {}, 'As a table'), table(title, days, series, told)),
  );
}

function table(title, days, series, told) {
  const rows = days.map((day, at) => ({ day, some: series.map(({ values }) => values[at]) })).filter(({ some }) => some.some((value) => value !== 0));
  return el(
    'div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
    el(
      'table', {},
      el('thead', {}, el('tr', {}, ['day', ...series.map(({ name }) => name)].map((head) => el('th', { scope: 'col' }, head)))),
      el('tbody', {}, rows.map(({ day, some }) => el('tr', {}, el('th', { scope: 'row' }, day), some.map((value) => el('td', { class: 'number' }, told(value)))))),
    ),
  );
}
