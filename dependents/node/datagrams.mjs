// UDP: a thousand datagrams, connected sockets, multicast, options.
import dgram from 'node:dgram';
import { once } from 'node:events';

async function bound(options = 'udp4', port = 0, address = '127.0.0.1') {
  const socket = dgram.createSocket(options);
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

const attempt = (work) => {
  try {
    return work();
  } catch (error) {
    return error.code;
  }
};

// Each reply sends the next one, so that the socket buffers never overflow.
async function echo() {
  const server = await bound();
  server.on('message', (message, { port }) => server.send(message, port, '127.0.0.1'));
  const client = await bound();
  const { port } = server.address();
  let sent = 0, bytes = 0;
  const next = () => client.send([Buffer.from(`${sent} `), Buffer.alloc(sent++ % 1000)], port, '127.0.0.1');
  const order = [];
  for (let i = 0; i < 50; i++) next();
  await new Promise((done) => client.on('message', (message) => {
    bytes += message.length;
    order.push(parseInt(message, 10));
    if (order.length === 1000) done();
    else if (sent < 1000) next();
  }));
  console.log('echo:', order.every((number, i) => number === i), bytes);
  client.send('', port, '127.0.0.1');
  console.log('empty:', (await once(client, 'message'))[0].length);
  client.send(Buffer.alloc(65507, 'x'), port, '127.0.0.1');
  console.log('largest:', (await once(client, 'message'))[0].length);
  await new Promise((done) => client.send(Buffer.alloc(65508), port, '127.0.0.1', (error) => {
    console.log('larger:', error.code);
    done();
  }));
  client.close();
  server.close();
}

async function connected() {
  const server = await bound();
  const client = dgram.createSocket('udp4');
  client.connect(server.address().port, '127.0.0.1');
  await once(client, 'connect');
  console.log('connected:', client.remoteAddress().port === server.address().port);
  client.send('to the peer');
  const [message, { port }] = await once(server, 'message');
  console.log('received:', String(message));
  // Datagrams of other senders are dropped.
  const stranger = await bound();
  stranger.send('from a stranger', port, '127.0.0.1', () => server.send('from the peer', port, '127.0.0.1'));
  console.log('received:', String((await once(client, 'message'))[0]));
  stranger.close();
  console.log('connect again:', attempt(() => client.connect(1, '127.0.0.1')));
  client.disconnect();
  console.log('disconnected:', attempt(() => client.remoteAddress()));

  client.connect(server.address().port, '127.0.0.1');
  await once(client, 'connect');
  server.close();
  await once(server, 'close');
  client.send('nobody is there');
  console.log('nobody:', (await once(client, 'error'))[0].code);
  client.close();
}

async function multicast() {
  const group = '239.1.2.3';
  const receivers = [await bound({ type: 'udp4', reuseAddr: true }, 0, '0.0.0.0')];
  const { port } = receivers[0].address();
  receivers.push(await bound({ type: 'udp4', reuseAddr: true }, port, '0.0.0.0'));
  for (const socket of receivers) socket.addMembership(group, '127.0.0.1');
  console.log('join twice:', attempt(() => receivers[0].addMembership(group, '127.0.0.1')));
  const sender = await bound();
  sender.setMulticastInterface('127.0.0.1');
  sender.setMulticastLoopback(true);
  console.log('TTL:', sender.setMulticastTTL(1), attempt(() => sender.setMulticastTTL(256)));
  const arrived = receivers.map((socket) => once(socket, 'message'));
  sender.send('to all', port, group);
  for (const [message] of await Promise.all(arrived)) console.log('multicast:', String(message));
  for (const socket of receivers) socket.dropMembership(group, '127.0.0.1');
  console.log('leave twice:', attempt(() => receivers[0].dropMembership(group, '127.0.0.1')));
  for (const socket of [sender, ...receivers]) socket.close();
}

async function options() {
  const socket = await bound();
  const { port } = socket.address();
  const taken = dgram.createSocket('udp4').bind(port, '127.0.0.1');
  console.log('taken:', (await once(taken, 'error'))[0].code);
  console.log('TTL:', socket.setTTL(7), attempt(() => socket.setTTL(0)));
  console.log('broadcast:', socket.setBroadcast(true));
  socket.setRecvBufferSize(8192);
  socket.setSendBufferSize(8192);
  console.log('buffers:', socket.getRecvBufferSize(), socket.getSendBufferSize());
  console.log('queue:', socket.getSendQueueSize(), socket.getSendQueueCount());
  socket.unref().ref().close();
  await once(socket, 'close');
  console.log('closed:', attempt(() => socket.address()));
}

await echo();
await connected();
await multicast();
await options();
