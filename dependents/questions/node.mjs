// Programs with one thing in them that is to be found from outside: `node node.mjs NAME DIRECTORY` prints "ready"
// and stays in that state.
import dns from "node:dns";
import fs from "node:fs";
import net from "node:net";
import { Worker } from "node:worker_threads";

const [, , name, directory] = process.argv;
const ready = () => fs.writeSync(1, "ready\n");

// A connection to itself; the peer neither reads nor closes.
function connect(then) {
  const server = net.createServer({ pauseOnConnect: true }, (peer) => (server.peer = peer));
  server.listen(0, "127.0.0.1", () => {
    const client = net.connect(server.address().port, "127.0.0.1", () => then(client));
  });
}

const questions = {
  callback() {
    setInterval(() => {
      const end = performance.now() + 300;
      while (performance.now() < end);
    }, 100);
    ready();
  },
  timer() {
    setInterval(() => {}, 3600 * 1000);
    ready();
  },
  socket() {
    connect(ready);
  },
  backlog() {
    connect((client) => {
      client.write(Buffer.alloc(32 << 20));
      ready();
    });
  },
  // Opening a FIFO without a writer blocks.
  pool() {
    for (let i = 0; i < 7; i++) fs.open(`${directory}/fifo`, "r", () => {});
    ready();
  },
  lookups() {
    for (let i = 0; i < 4; i++) dns.lookup(`host${i}.example`, () => {});
    ready();
  },
  worker() {
    new Worker("setTimeout(() => { for (;;); }, 1)", { eval: true });
    ready();
  },
};
questions[name]();
