// µTP connections; the add-on receives datagrams and has a timer on Node's loop.
import { createRequire } from 'node:module';
import { once } from 'node:events';
const utp = createRequire(process.env.MODULES + '/')('utp-native');

const server = utp.createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1');
await once(server, 'listening');

async function echo(size) {
  const socket = utp.connect(server.address().port, '127.0.0.1');
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
    if (received === size) socket.end();
  });
  for (let sent = 0; sent < size; sent += 10000) socket.write(Buffer.alloc(10000, 1));
  await once(socket, 'end');
  return received;
}
console.log((await Promise.all([10000, 200000, 500000].map(echo))).join(' '));
process.exit(0); // its connections linger for minutes
