// Streams with back-pressure: a slow reader delays the writer.
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import zlib from 'node:zlib';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';

const block = 65536;
const blocks = 512;
const total = blocks * block;

const hash = () => crypto.createHash('sha256');
const same = (a, b) => a.digest('hex') === b.digest('hex');

// A writer that respects `drain`, and a slow reader.
async function slowReader(name, address, most) {
  const server = net.createServer({ pauseOnConnect: true }).listen(address);
  await once(server, 'listening');
  const client = net.connect(server.address());
  const [peer] = await once(server, 'connection');
  const written = hash(), read = hash();
  let ahead = 0, furthest = 0, queued = 0, stops = 0;

  async function write() {
    for (let i = 0; i < blocks; i++) {
      const data = crypto.randomBytes(block);
      written.update(data);
      furthest = Math.max(furthest, ahead += block);
      const more = client.write(data);
      queued = Math.max(queued, client.writableLength);
      if (!more) {
        stops++;
        await once(client, 'drain');
      }
    }
    client.end();
  }
  async function readSlowly() {
    for await (const data of peer) {
      read.update(data);
      ahead -= data.length;
      await setImmediate();
    }
  }
  await Promise.all([write(), readSlowly()]);
  console.log(`${name}: the same bytes:`, same(written, read), ahead);
  console.log(`${name}: the writer had to wait:`, stops > 0);
  console.log(`${name}: at most one block was queued:`, queued <= block);
  console.log(`${name}: never far ahead:`, furthest < most);
  server.close();
  await once(server, 'close');
}

// File, compression, network, decompression, file.
async function throughEverything() {
  function* lines() {
    for (let i = 0; i < 200000; i++) yield `line ${i} of many, many lines\n`;
  }
  await pipeline(Readable.from(lines()), fs.createWriteStream('in'));
  const server = net.createServer().listen('stream.sock');
  const receiver = once(server, 'connection').then(([socket]) =>
    pipeline(socket, zlib.createGunzip(), fs.createWriteStream('out')));
  await pipeline(fs.createReadStream('in', { highWaterMark: 1000 }), zlib.createGzip(),
                 net.connect('stream.sock'));
  await receiver;
  server.close();
  console.log('a file over the network:', fs.readFileSync('in').equals(fs.readFileSync('out')),
              fs.statSync('out').size);
}

// A stream that is destroyed during a transfer reports it once, on both sides.
async function aborted() {
  const server = net.createServer().listen('stream.sock');
  const sink = once(server, 'connection').then(async ([socket]) => {
    let bytes = 0;
    for await (const data of socket) {
      bytes += data.length;
      if (bytes > 1e6) break; // which destroys the socket
    }
    return bytes > 1e6 && socket.destroyed;
  });
  const source = pipeline(Readable.from(function* () { for (;;) yield Buffer.alloc(block); }()),
                          net.connect('stream.sock'));
  await source.catch(({ code }) => console.log('the writer failed:', code === 'EPIPE' || code === 'ECONNRESET'));
  console.log('the reader stopped:', await sink);
  server.close();
}

await slowReader('UNIX socket', 'slow.sock', 4 << 20);
await slowReader('TCP', { port: 0, host: '127.0.0.1' }, total);
await throughEverything();
await aborted();
