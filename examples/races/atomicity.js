// An atomicity race: as atomicity.c. The status is 3 if a deposit is lost.
'use strict';
// The program believes that one thread does one thing at a time.
process.env.UV_THREADPOOL_SIZE = '1';
const fs = require('fs');
const os = require('os');
const path = require('path');

const name = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'account-')), 'balance');
fs.writeFileSync(name, '00000100');
const account = fs.openSync(name, 'r+');

function deposit(amount, checks) {
  fs.stat('.', () => {
    if (checks > 0) return deposit(amount, checks - 1);
    fs.read(account, Buffer.alloc(8), 0, 8, 0, (error, length, text) => {
      // What was read may be old by now.
      fs.write(account, String(Number(text) + amount).padStart(8, '0'), 0, 'utf8', () => {});
    });
  });
}

deposit(10, 0);
deposit(5, 2);

process.on('exit', () => {
  const balance = Number(fs.readFileSync(name, 'utf8'));
  fs.rmSync(path.dirname(name), { recursive: true });
  console.log(balance);
  process.exitCode = balance === 115 ? 0 : 3;
});
