// Messages and reliable streams over UDP; the add-on has its own handles on Node's loop.
import { createRequire } from 'node:module';
import { createHash } from 'node:crypto';
const UDX = createRequire(process.env.MODULES + '/')('udx-native');

const udx = new UDX();
const [from, to] = [udx.createSocket(), udx.createSocket()];
from.bind(0, '127.0.0.1');
to.bind(0, '127.0.0.1');

let messages = 0;
await new Promise((resolve) => {
  to.on('message', () => ++messages === 50 && resolve());
  (async () => {
    for (let i = 0; i < 50; i++) await from.send(Buffer.alloc(100 + i), to.address().port, '127.0.0.1');
  })();
});
console.log('messages', messages);

const streams = [];
for (let i = 0; i < 5; i++) {
  const [a, b] = [udx.createStream(2 * i + 1), udx.createStream(2 * i + 2)];
  a.connect(from, b.id, to.address().port, '127.0.0.1');
  b.connect(to, a.id, from.address().port, '127.0.0.1');
  const hash = createHash('sha256');
  b.on('data', (data) => hash.update(data));
  a.resume();
  streams.push(Promise.all([
    new Promise((resolve) => b.on('end', () => { b.end(); resolve(); })),
    new Promise((resolve) => a.on('close', resolve)),
    new Promise((resolve) => b.on('close', resolve)),
  ]).then(() => hash.digest('hex')));
  for (let block = 0; block < 20; block++) a.write(Buffer.alloc(20000, i + block));
  a.end();
}
console.log((await Promise.all(streams)).join('\n'));
await Promise.all([from.close(), to.close()]);
console.log('closed');
