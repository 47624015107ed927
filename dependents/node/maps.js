// Loaded first by every Node.js process, children included: it must be running
// on the library under test. (--require is for each thread, hence the condition.)
'use strict';
const { execFileSync } = require('child_process');
const { isMainThread } = require('worker_threads');

if (isMainThread)
  execFileSync(process.env.MAPS, [process.pid], { stdio: 'inherit' });
