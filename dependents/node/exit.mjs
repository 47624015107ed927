// The end of a process, and standard input from a pipe, a file and nothing.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { once } from 'node:events';

function status(name, program, input = '') {
  const { status, signal, stdout } = spawnSync(process.execPath, ['-e', program], { input, encoding: 'utf8' });
  console.log(`${name}: ${status} ${signal} ${stdout.split('\n').join(' ')}`);
}

function ends() {
  status('nothing to do', '');
  status('code', 'process.exitCode = 9');
  status('exit in a handler', 'process.on("exit", (code) => process.exit(code + 1)); process.exit(1)');
  status('exception', 'throw 1');
  status('exception that is caught', 'process.on("uncaughtException", (e) => console.log(e)); setTimeout(() => { throw 1 })');
  status('rejection', 'Promise.reject(1)');
  status('abort', 'process.abort()');
  status('more work before the end', `let n = 0;
    process.on('beforeExit', () => { if (n++ < 3) setTimeout(() => console.log(n), 1) })`);
  status('with work under way', `require('fs').readFile('/dev/null', () => {});
    require('net').createServer().listen(0); setTimeout(() => {}, 1e6);
    require('crypto').pbkdf2('a', 'b', 1e6, 9, 'sha1', () => {}); setImmediate(process.exit, 4)`);
  status('nothing left to wait for', `const s = require('net').createServer().listen(0, '127.0.0.1', () => s.unref());
    setInterval(() => {}, 1e6).unref(); process.on('exit', () => console.log('left'))`);
}

const count = `let n = 0; process.stdin.on('data', (d) => n += d.length).on('end', () => console.log('read', n))`;

async function input() {
  status('a pipe', count, 'x'.repeat(1000000));
  fs.writeFileSync('input', 'y'.repeat(100000));
  for (const file of ['input', '/dev/null']) {
    const child = spawn(process.execPath, ['-e', count], { stdio: [fs.openSync(file), 'pipe', 'inherit'] });
    console.log(`${file}:`, String(await once(child.stdout, 'data')).trim());
  }
  const lines = spawn(process.execPath, ['-e', `require('readline').createInterface(process.stdin)
    .on('line', (line) => console.log(line.toUpperCase()))`], { stdio: ['pipe', 'pipe', 'inherit'] });
  for (const line of ['one', 'two', 'three']) {
    lines.stdin.write(`${line}\n`);
    console.log('line:', String(await once(lines.stdout, 'data')).trim());
  }
  lines.stdin.end();
  console.log('end:', (await once(lines, 'exit'))[0]);
}

async function output() {
  // All output arrives, although the process exits at once.
  const large = 'process.stdout.write("z".repeat(5e6)); process.exitCode = 2';
  const child = spawn(process.execPath, ['-e', large], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = once(child, 'exit');
  let bytes = 0;
  for await (const chunk of child.stdout) bytes += chunk.length;
  console.log('output:', bytes, (await end)[0]);
  const file = fs.openSync('large', 'w');
  const [code] = await once(spawn(process.execPath, ['-e', large], { stdio: ['ignore', file, 'inherit'] }), 'exit');
  console.log('file:', fs.statSync('large').size, code);
  const broken = spawn(process.execPath, ['-e', `process.stdout.on('error', (e) => process.exit(e.code === 'EPIPE' ? 5 : 6));
    setInterval(() => console.log('x'), 1)`], { stdio: ['ignore', 'pipe', 'inherit'] });
  broken.stdout.destroy();
  console.log('nobody reads:', (await once(broken, 'exit'))[0]);
}

ends();
await input();
await output();
