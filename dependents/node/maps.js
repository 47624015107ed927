// Loaded first by every Node.js process, including children: checks that it uses
// the library under test. (--require applies to each thread, hence the condition.)
'use strict';
const { execFileSync } = require('child_process');
const { isMainThread } = require('worker_threads');

if (isMainThread)
  execFileSync(process.env.MAPS, [process.pid], { stdio: 'inherit' });
