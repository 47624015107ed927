// A commutativity race: the parts of a page are appended as their files arrive. The status is 3 if they are out of
// order.
'use strict';
// The program believes that one thread keeps them in order.
process.env.UV_THREADPOOL_SIZE = '1';
const fs = require('fs');
const os = require('os');
const path = require('path');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'parts-'));
const parts = ['head', 'body', 'foot'];
let page = '';

for (const part of parts) fs.writeFileSync(path.join(directory, part), part);
for (const part of parts) {
  fs.readFile(path.join(directory, part), 'utf8', (error, text) => { page += text; });
}

process.on('exit', () => {
  fs.rmSync(directory, { recursive: true });
  console.log(page);
  process.exitCode = page === parts.join('') ? 0 : 3;
});
