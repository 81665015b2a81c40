// The console as a person uses it, in a real browser on a real stack: one for all, as it takes a while to start.

import './feed.mjs';
import './streams.mjs';
import './past.mjs';
import './what-if.mjs';
import './operate.mjs';
import './safety.mjs';
import './callers.mjs';
import './page.mjs';
