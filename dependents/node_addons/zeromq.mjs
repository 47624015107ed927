// 0MQ: the add-on watches the descriptors of its sockets with poll handles.
import { createRequire } from 'node:module';
const zmq = createRequire(process.env.MODULES + '/')('zeromq');

const push = new zmq.Push(), pull = new zmq.Pull();
await push.bind('tcp://127.0.0.1:7001');
pull.connect('tcp://127.0.0.1:7001');
(async () => {
  for (let i = 0; i < 2000; i++) await push.send(String(i));
})();
let sum = 0, count = 0;
for await (const [message] of pull) {
  sum += Number(message);
  if (++count === 2000) break;
}
console.log('pushed', count, sum);

const reply = new zmq.Reply(), request = new zmq.Request();
await reply.bind('tcp://127.0.0.1:7002');
request.connect('tcp://127.0.0.1:7002');
(async () => {
  for await (const [message] of reply) await reply.send(Buffer.from(message).reverse());
})();
const answers = [];
for (let i = 0; i < 300; i++) {
  await request.send(`abc${i}`);
  answers.push(String((await request.receive())[0]));
}
console.log('answered', answers.length, answers.at(-1));

const pub = new zmq.Publisher(), sub = new zmq.Subscriber();
await pub.bind('tcp://127.0.0.1:7003');
sub.connect('tcp://127.0.0.1:7003');
sub.subscribe('even');
let number = 0;
const ticker = setInterval(() => { pub.send([number % 2 ? 'odd' : 'even', String(number)]); number++; }, 1);
for (let i = 0; i < 20; i++) {
  const [topic, text] = await sub.receive();
  if (String(topic) !== 'even' || Number(text) % 2) throw new Error('wrong topic');
}
clearInterval(ticker);
console.log('published');
for (const socket of [push, pull, reply, request, pub, sub]) socket.close();
console.log('closed');
