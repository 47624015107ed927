// Child processes: standard streams, ends, errors, messages.
import { execFile, fork, spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function text(stream) {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) all += chunk;
  return all;
}

const end = (child) => new Promise((done) =>
  child.on('exit', (status, signal) => done(`${status} ${signal}`)));

async function many() {
  const outputs = await Promise.all(Array.from({ length: 100 }, (_, i) => run('sh', ['-c', `echo ${i}`])));
  console.log('a hundred children:', outputs.filter(({ stdout }, i) => stdout === `${i}\n`).length);
}

async function streams() {
  const data = crypto.randomBytes(4 << 20).toString('hex');
  const cat = spawn('cat');
  cat.stdin.end(data);
  console.log('through cat:', await text(cat.stdout) === data);

  const both = spawn('sh', ['-c', 'echo out; echo err >&2; read line <&3; echo "$line" >&4'],
                     { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  both.stdio[3].end('by number\n');
  const texts = await Promise.all([both.stdout, both.stderr, both.stdio[4]].map(text));
  console.log('streams:', JSON.stringify(texts));

  const file = fs.openSync('output', 'w');
  await once(spawn('sh', ['-c', 'echo to a file'], { stdio: ['ignore', file, file] }), 'close');
  console.log('file:', fs.readFileSync('output', 'utf8').trim());

  const first = spawn('seq', ['1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const second = spawn('tail', ['-n', '1'], { stdio: [first.stdout, 'pipe', 'inherit'] });
  console.log('a pipe between two:', (await text(second.stdout)).trim());
}

async function ends() {
  console.log('status:', await end(spawn('sh', ['-c', 'exit 42'])));
  const sleeper = spawn('sleep', ['1000']);
  console.log('kill:', sleeper.kill(), await end(sleeper), sleeper.signalCode, sleeper.kill());
  console.log('own signal:', await end(spawn('sh', ['-c', 'kill -KILL $$'])));
  const controller = new AbortController();
  const aborted = spawn('sleep', ['1000'], { signal: controller.signal });
  setImmediate(() => controller.abort());
  const [[error], how] = await Promise.all([once(aborted, 'error'), end(aborted)]);
  console.log('abort:', error.name, how);
  const late = await run('sleep', ['1000'], { timeout: 50 }).catch((error) => error);
  console.log('timeout:', late.killed, late.signal);
  const much = await run('yes', { maxBuffer: 1000 }).catch((error) => error);
  console.log('too much:', much.code, much.stdout.length);
  const detached = spawn('sh', ['-c', 'ps -o pgid= -p $$ | tr -d " "'], { detached: true });
  console.log('detached leads a group:', (await text(detached.stdout)).trim() === String(detached.pid));
  const place = spawn('sh', ['-c', 'pwd; echo $NAME $0'], { cwd: '/usr', env: { NAME: 'value' }, argv0: 'shell' });
  console.log('cwd, env, argv0:', (await text(place.stdout)).split('\n').join(' '));
}

async function errors() {
  for (const [file, options] of [['./missing', {}], ['/', {}], ['true', { cwd: '/missing' }]]) {
    const [error] = await once(spawn(file, options), 'error');
    console.log('spawn', file, JSON.stringify(options), error.code, error.syscall);
  }
}

function synchronous() {
  const result = spawnSync('sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'input ' });
  console.log('sync:', result.status, String(result.stdout), String(result.stderr).trim());
  const late = spawnSync('sleep', ['1000'], { timeout: 50, killSignal: 'SIGKILL' });
  console.log('sync timeout:', late.error.code, late.signal);
  console.log('sync missing:', spawnSync('./missing').error.code);
  const much = spawnSync('yes', { maxBuffer: 100 });
  console.log('sync too much:', much.error.code);
}

async function messages() {
  const child = fork(fileURLToPath(import.meta.url), ['echo'], { serialization: 'advanced' });
  const answers = [];
  child.on('message', (answer) => {
    answers.push(answer);
    if (answers.length === 1001) child.send('leave');
  });
  for (let i = 0; i < 1000; i++) child.send({ number: i });
  child.send(Buffer.alloc(1 << 20, 'x'));
  const ended = end(child);
  await once(child, 'disconnect');
  console.log('messages:', answers.slice(0, 1000).every(({ number }, i) => number === i),
              answers[1000].length, await ended, child.connected);
}

if (process.argv[2] === 'echo') {
  process.on('message', (message) => {
    if (message === 'leave') process.disconnect();
    else process.send(message);
  });
} else {
  await many();
  await streams();
  await ends();
  await errors();
  synchronous();
  await messages();
}
