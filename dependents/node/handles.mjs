// Sockets that one process opens and another one uses.
import { fork } from 'node:child_process';
import dgram from 'node:dgram';
import net from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// Returns the data that arrives from the other end of a connection.
async function told(address) {
  let text = '';
  for await (const chunk of net.connect(address).setEncoding('utf8')) text += chunk;
  return text;
}

function inChild() {
  process.on('message', (kind, handle) => {
    switch (kind) {
      case 'socket':
        handle.end('hello from the child\n');
        break;
      case 'server':
        handle.on('connection', (socket) => {
          socket.end('accepted by the child');
          handle.close();
        });
        process.send('listening');
        break;
      case 'datagrams':
        handle.once('message', (message, { port }) => {
          handle.send(`the child got ${message}`, port, '127.0.0.1', () => handle.close());
        });
        process.send('bound');
        break;
      case 'leave':
        process.disconnect();
    }
  });
}

// Connections that the parent accepts and the child serves.
async function sockets(worker, address, count) {
  const server = net.createServer({ pauseOnConnect: true }, (socket) => worker.send('socket', socket));
  server.listen(address);
  await once(server, 'listening');
  const answers = await Promise.all(Array.from({ length: count }, () => told(server.address())));
  console.log(typeof address === 'string' ? 'UNIX' : 'TCP', 'sockets:',
              answers.filter((text) => text === 'hello from the child\n').length);
  server.close();
}

// A listening socket in both processes; the parent closes its own.
async function servers(worker) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  worker.send('server', server);
  await once(worker, 'message');
  server.close();
  console.log('server:', await told(address));
}

async function datagrams(worker) {
  const shared = dgram.createSocket('udp4');
  shared.bind(0, '127.0.0.1');
  await once(shared, 'listening');
  const { port } = shared.address();
  worker.send('datagrams', shared);
  await once(worker, 'message');
  shared.close();
  const client = dgram.createSocket('udp4');
  client.send('a datagram', port, '127.0.0.1');
  const [message, from] = await once(client, 'message');
  console.log('datagrams:', String(message), from.port === port);
  client.close();
}

async function main() {
  const worker = fork(fileURLToPath(import.meta.url), ['child']);
  await sockets(worker, { port: 0, host: '127.0.0.1' }, 200);
  await sockets(worker, 'handles.sock', 200);
  await servers(worker);
  await datagrams(worker);
  worker.send('leave');
  console.log('end:', ...await once(worker, 'exit'));
}

if (process.argv[2] === 'child') inChild();
else await main();
