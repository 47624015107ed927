// TCP and UNIX sockets: half-close, reset, errors.
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

// Waits until the other side has ended; the stream is still writable.
async function text(stream) {
  let all = '';
  stream.setEncoding('utf8').on('data', (chunk) => all += chunk);
  await once(stream, 'end');
  return all;
}

async function listening(address, options = {}) {
  const server = net.createServer(options).listen(address);
  await once(server, 'listening');
  return server;
}

// Both ends of a new connection.
async function pair(address, options) {
  const server = await listening(address, options);
  const client = net.connect({ ...options, ...(typeof address === 'string' ? { path: address } : server.address()) });
  const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  server.close();
  return [client, peer];
}

async function halfOpen(name, address) {
  const [client, peer] = await pair(address, { allowHalfOpen: true });
  client.end('the question');
  console.log(`${name}: half-open:`, await text(peer));
  peer.write('the ');
  setImmediate(() => peer.end('answer'));
  console.log(`${name}: still open:`, await text(client));
}

async function bothWays(name, address) {
  const [client, peer] = await pair(address);
  const data = [crypto.randomBytes(8 << 20), crypto.randomBytes(8 << 20)];
  client.end(data[0]);
  peer.end(data[1]);
  const read = await Promise.all([peer, client].map(async (socket) => {
    const hash = crypto.createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk));
    await once(socket, 'end');
    return hash.digest('hex');
  }));
  console.log(`${name}: both ways:`, read[0] === digest(data[0]), read[1] === digest(data[1]),
              client.bytesRead, client.bytesWritten);
}

async function resets(address) {
  const [client, peer] = await pair(address);
  const reset = once(client, 'error');
  client.resume();
  peer.resetAndDestroy();
  console.log('reset:', (await reset)[0].code, (await once(client, 'close'))[0]);

  const [writer, reader] = await pair(address, { allowHalfOpen: true });
  reader.destroy();
  await once(reader, 'close');
  writer.on('data', () => {});
  // There is no reader: the first writes may succeed, a later one must fail.
  const broken = once(writer, 'error');
  const writing = setInterval(() => writer.write('x'.repeat(1000)), 1);
  writer.on('close', () => clearInterval(writing));
  const { code } = (await broken)[0];
  console.log('nobody reads:', code === 'EPIPE' || code === 'ECONNRESET');
}

async function errors() {
  const code = async (socket) => {
    const [error] = await once(socket, 'error');
    return `${error.code} ${error.syscall}`;
  };
  const server = await listening({ port: 0, host: '127.0.0.1' });
  const { port } = server.address();
  console.log('port in use:', await code(net.createServer().listen(port, '127.0.0.1')));
  server.close();
  await once(server, 'close');
  console.log('nobody listens:', await code(net.connect(port, '127.0.0.1')));
  console.log('foreign address:', await code(net.createServer().listen(0, '192.0.2.1')));

  const named = await listening('named.sock');
  console.log('name in use:', await code(net.createServer().listen('named.sock')));
  named.close();
  await once(named, 'close');
  console.log('the name has gone:', fs.existsSync('named.sock'), await code(net.connect('named.sock')));
  fs.writeFileSync('no.sock', '');
  console.log('no socket:', await code(net.connect('no.sock')));
}

async function servers() {
  const server = await listening({ port: 0, host: '127.0.0.1' });
  server.maxConnections = 5;
  const { port } = server.address();
  const ends = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1'));
  server.on('connection', (socket) => socket.resume());
  await Promise.all([1, 2, 3].map(() => new Promise((done) => {
    server.once('drop', done);
  })).concat(ends.map((socket) => once(socket, 'connect'))));
  await new Promise((done) => server.getConnections((error, count) => {
    console.log('connections:', count);
    done();
  }));
  for (const socket of ends) socket.destroy();
  server.close();
  await once(server, 'close');
  console.log('server closed');
}

async function options() {
  const [client, peer] = await pair({ port: 0, host: '127.0.0.1' });
  client.setNoDelay().setKeepAlive(true, 1000);
  console.log('addresses:', client.remotePort === peer.localPort, client.localPort === peer.remotePort,
              client.remoteFamily, client.address().address);
  client.setTimeout(20);
  await once(client, 'timeout');
  console.log('timeout');
  peer.end('late');
  console.log('after it:', await text(client.setTimeout(0)));
}

const tcp = { port: 0, host: '127.0.0.1' };
await halfOpen('TCP', tcp);
await halfOpen('UNIX', 'half.sock');
await bothWays('TCP', tcp);
await bothWays('UNIX', 'both.sock');
await resets(tcp);
await errors();
await servers();
await options();
