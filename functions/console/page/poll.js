// Asks again and again, as long as the view is there and somebody looks; less often while it fails.

import { isOver } from './api.js';

const LONGEST = 30_000;

/** Calls `work` now and then every so many milliseconds, until `signal` ends it. `failed` hears of errors, and of null after them. */
export async function poll(signal, milliseconds, work, failed) {
  let pause = milliseconds;
  while (!signal.aborted) {
    try {
      await work();
      if (pause !== milliseconds && !signal.aborted) failed(null);
      pause = milliseconds;
    } catch (error) {
      if (signal.aborted) return;
      if (!isOver(error)) {
        pause = Math.min(pause * 2, LONGEST);
        failed(error);
      }
    }
    await rest(signal, pause);
  }
}

function rest(signal, milliseconds) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', end);
      done();
    };
    const look = () => {
      if (!document.hidden) end();
    };
    const timer = setTimeout(() => {
      // Nobody looks: go on as soon as somebody does.
      if (!document.hidden) end();
    }, milliseconds);
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', end);
  });
}
