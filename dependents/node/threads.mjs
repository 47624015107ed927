// Worker threads, each with its own loop.
import fs from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { MessageChannel, Worker, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { setTimeout } from 'node:timers/promises';

const start = (task, options) => new Worker(new URL(import.meta.url), { workerData: { task, ...options } });

const tasks = {
  // Sends each message back over a port that was received with the first one.
  echo() {
    parentPort.once('message', (port) => {
      port.on('message', (message) => port.postMessage(message));
      port.on('close', () => console.log('echo: the port is closed'));
    });
  },
  // Files, timers and sockets of a thread.
  async everything() {
    fs.writeFileSync(workerData.name, workerData.name);
    await setTimeout(5);
    const server = net.createServer((socket) => socket.end(fs.readFileSync(workerData.name)));
    server.listen(`${workerData.name}.sock`);
    await once(server, 'listening');
    const [data] = await once(net.connect(`${workerData.name}.sock`), 'data');
    server.close();
    parentPort.postMessage(String(data));
  },
  add({ counter, times }) {
    for (let i = 0; i < times; i++) Atomics.add(counter, 0, 1);
    Atomics.notify(counter, 0);
  },
  busy() {
    parentPort.postMessage('busy');
    for (;;);
  },
  idle: () => net.createServer().listen(0, '127.0.0.1', () => parentPort.postMessage('idle')),
  throw() { throw new RangeError('from a thread'); },
  exit() {
    process.on('exit', (code) => parentPort.postMessage(`exit handler ${code}`));
    process.exit(5);
  },
};

async function messages() {
  const worker = start('echo');
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  for (let i = 0; i < 10000; i++) port1.postMessage(i);
  let expected = 0;
  await new Promise((done) => port1.on('message', (i) => {
    if (i === expected) expected++;
    if (i === 9999) done();
  }));
  console.log('messages in order:', expected);
  port1.close();
  console.log('exit:', ...await once(worker, 'exit'));

  const local = new MessageChannel();
  local.port1.postMessage('waits');
  console.log('without the loop:', receiveMessageOnPort(local.port2).message,
              receiveMessageOnPort(local.port2));
}

async function many() {
  const names = Array.from({ length: 8 }, (_, i) => `thread-${i}`);
  const answers = await Promise.all(names.map(async (name) => {
    const worker = start('everything', { name });
    const [[answer], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    return `${answer} ${code}`;
  }));
  console.log('everything:', answers.join(', '));

  const counter = new Int32Array(new SharedArrayBuffer(4));
  await Promise.all([1, 2, 3, 4].map(() => once(start('add', { counter, times: 1000 }), 'exit')));
  console.log('shared memory:', counter[0]);
}

async function ends() {
  for (const task of ['busy', 'idle']) {
    const workers = [start(task), start(task), start(task)];
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    console.log(`terminated while ${task}:`,
                ...await Promise.all(workers.map((worker) => worker.terminate())));
  }
  // Stopping a thread during any operation does not affect the process.
  const early = Array.from({ length: 20 }, () => start('everything', { name: 'early' }));
  await Promise.all(early.map((worker) => worker.terminate()));
  console.log('terminated at the start');

  const failing = start('throw');
  failing.on('error', (error) => console.log('throw:', error.name, error.message));
  console.log('status:', await new Promise((done) => failing.on('exit', done)));
  const leaving = start('exit');
  const [[message], [status]] = await Promise.all([once(leaving, 'message'), once(leaving, 'exit')]);
  console.log('exit:', message, status);
}

if (workerData) tasks[workerData.task](workerData);
else {
  await messages();
  await many();
  await ends();
}
