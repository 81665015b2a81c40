// Where one is, kept in the URL: `#stream/user-<uuid>/slider?version=3`.

/** The place that a hash names. */
export function place(hash = location.hash) {
  const text = hash.replace(/^#/, '');
  const at = text.indexOf('?');
  const path = (at < 0 ? text : text.slice(0, at)).split('/').filter(Boolean).map(decoded);
  const params = Object.fromEntries(new URLSearchParams(at < 0 ? '' : text.slice(at + 1)));
  return { path: path.length ? path : ['feed'], params };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The link to a place; parameters without a value are left out. */
export function link(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given).toString();
  return `#${path.map(encodeURIComponent).join('/')}${query && `?${query}`}`;
}

/** Goes to a place. */
export function go(path, params) {
  location.hash = link(path, params);
}

/** Says in the URL what is shown by now, without showing it anew. */
export function keep(params) {
  history.replaceState(null, '', link(place().path, params));
}

/** Shows the place that the URL names, now and whenever it changes. */
export function start(show) {
  addEventListener('hashchange', () => show(place()));
  show(place());
}

const STREAM = /^([a-z_]+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The category and the id of what names a stream, or null: nothing else may become a part of an API's path. */
export function named(stream) {
  const found = STREAM.exec(stream.toLowerCase());
  return found && { name: found[0], category: found[1], id: found[2] };
}

/** A stream's category and id. */
export function parts(stream) {
  const at = stream.indexOf('-');
  return at < 0 ? ['', stream] : [stream.slice(0, at), stream.slice(at + 1)];
}
