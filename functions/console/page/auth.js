// Who looks: a token from the issuer (code and PKCE), a pasted one, or none, as on the local stack. It stays in this tab.

const TOKEN = 'strangelog.token';
const STARTED = 'strangelog.sign-in';

let settings = null;
let refused = false;

/** Takes the settings of `about.json`. */
export function configure(auth) {
  settings = auth;
}

export const canSignIn = () => settings !== null;

/** The token, if there is one. */
export function token() {
  return sessionStorage.getItem(TOKEN);
}

/** Takes a token, or lets it go. */
export function setToken(text) {
  refused = false;
  // A token has no space in it; one that is copied over several lines has.
  if (text) sessionStorage.setItem(TOKEN, text.trim().replace(/^Bearer\s+/i, '').replace(/\s+/g, ''));
  else sessionStorage.removeItem(TOKEN);
}

/** The API takes no call without a token. */
export function wasRefused() {
  refused = true;
  dispatchEvent(new Event('refused'));
}

/** What a token says of itself; null if it cannot be read here, which is for the API to judge. */
export function claims() {
  const payload = token()?.split('.')[1];
  if (!payload) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Why the caller may not do what needs `scope`; null if they may, as far as can be known here. */
export function lacks(scope) {
  if (!token()) return canSignIn() || refused ? `sign in first: it needs the scope ${scope}` : null;
  const found = claims();
  if (!found) return null;
  if (found.exp && found.exp * 1000 < Date.now()) return 'your token has expired: sign in again';
  const named = [found.scope, found.scp].flat().filter(Boolean).join(' ').split(/[ ,]+/);
  return named.includes(scope) ? null : `your token has no scope ${scope}: ask for one that has`;
}

/** Who looks, in a word. */
export function caller() {
  if (!token()) return canSignIn() || refused ? null : 'anybody';
  const found = claims();
  return found?.name ?? found?.username ?? found?.sub ?? 'a token';
}

const here = () => location.origin + location.pathname;

/** Leaves for the issuer. */
export async function signIn() {
  const random = () => base64(crypto.getRandomValues(new Uint8Array(32)));
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem(STARTED, JSON.stringify({ state, verifier, hash: location.hash }));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const url = new URL(settings.authorize_url);
  const params = {
    response_type: 'code', client_id: settings.client_id, redirect_uri: here(), scope: settings.scopes.join(' '),
    state, code_challenge: base64(new Uint8Array(digest)), code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  location.assign(url);
}

/** Comes back from the issuer: turns the code into a token. Returns what went wrong, or null. */
export async function comeBack() {
  const params = new URLSearchParams(location.search);
  if (!params.has('code') && !params.has('error')) return null;
  const started = JSON.parse(sessionStorage.getItem(STARTED) ?? 'null');
  sessionStorage.removeItem(STARTED);
  history.replaceState(null, '', location.pathname + (started?.hash ?? ''));
  if (params.has('error')) return `the issuer said: ${params.get('error_description') ?? params.get('error')}`;
  if (!settings || !started || params.get('state') !== started.state) return 'that sign-in was not begun here: sign in again';
  const body = new URLSearchParams({
    grant_type: 'authorization_code', client_id: settings.client_id, redirect_uri: here(),
    code: params.get('code'), code_verifier: started.verifier,
  });
  try {
    const response = await fetch(settings.token_url, { method: 'POST', body, credentials: 'omit' });
    const answer = await response.json();
    if (!response.ok || !answer.access_token) return `the issuer gave no token: ${answer.error_description ?? answer.error ?? response.status}`;
    setToken(answer.access_token);
    return null;
  } catch {
    return `the issuer did not answer at ${settings.token_url}; does it allow calls from ${location.origin}?`;
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
