// The order of callbacks that Node.js guarantees.
'use strict';
const fs = require('fs');
const net = require('net');
const { once } = require('events');
const { log } = console;

function busy(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

// After the main program: ticks, then microtasks, before any event.
function mainProgram() {
  return new Promise((done) => {
    setTimeout(() => { log('a timer, in an iteration of the loop'); done(); }, 1);
    queueMicrotask(() => {
      log('a microtask');
      process.nextTick(() => log('a tick from a microtask'));
      queueMicrotask(() => log('a microtask from a microtask'));
    });
    process.nextTick(() => {
      log('a tick');
      queueMicrotask(() => log('a microtask from a tick'));
      process.nextTick(() => log('a tick from a tick'));
    });
    log('the main program');
  });
}

// In a callback of an operation: check phase before timers.
function inAnOperation() {
  return new Promise((done) => {
    fs.stat('.', () => {
      setTimeout(() => { log('timeout 0'); done(); }, 0);
      setImmediate(() => {
        log('immediate 1');
        process.nextTick(() => log('tick between immediates'));
        setImmediate(() => log('immediate of the next iteration'));
      });
      setImmediate(() => { log('immediate 2'); busy(5); });
      process.nextTick(() => log('tick'));
      Promise.resolve().then(() => log('microtask'));
      log('operation');
    });
  });
}

// Timers: by time, then by age; ticks and microtasks between two of them.
function timers() {
  return new Promise((done) => {
    setTimeout(() => { log('timer 20'); done(); }, 20);
    for (const name of ['a', 'b']) {
      setTimeout(() => {
        log(`timer 10 ${name}`);
        process.nextTick(() => log(`tick of timer 10 ${name}`));
        queueMicrotask(() => log(`microtask of timer 10 ${name}`));
      }, 10);
    }
    setTimeout(() => log('timer 1'), 1);
    setTimeout(() => log('timer 0, which is 1'), 0);
    const stopped = setTimeout(() => log('not this one'), 5);
    setTimeout(() => clearTimeout(stopped), 2);
    busy(30);
  });
}

// A due timer runs before available data is read, and close callbacks run after
// the check phase.
async function sockets() {
  const server = net.createServer().listen('order.sock');
  const client = net.connect('order.sock');
  const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  peer.on('data', (data) => {
    log(`data: ${data}`);
    peer.on('close', () => log('closed'));
    setImmediate(() => log('immediate before closed'));
    peer.destroy();
  });
  setImmediate(() => {
    setTimeout(() => log('the timer that is due'), 1);
    client.write('hello');
    busy(10);
  });
  client.resume();
  await once(client, 'close');
  log('the other side has closed too');
  server.close();
  await once(server, 'close');
  log('server closed');
}

// Message ports receive in the order of their creation; a message that is sent in
// the callback of a socket arrives in the next iteration.
async function messages() {
  const channels = [1, 2, 3].map(() => new MessageChannel());
  const heard = channels.map(async ({ port2 }, i) => {
    const [data] = await once(port2, 'message');
    log(`port ${i}: ${data}`);
    port2.close();
  });
  const server = net.createServer((socket) => socket.end('x')).listen('messages.sock');
  const client = net.connect('messages.sock');
  client.once('data', () => {
    for (const { port1 } of channels.reverse()) port1.postMessage('hello');
    setImmediate(() => log('immediate before the messages'));
  });
  await Promise.all([...heard, once(client, 'close')]);
  server.close();
}

mainProgram().then(inAnOperation).then(timers).then(sockets).then(messages);
