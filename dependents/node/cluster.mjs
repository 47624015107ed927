// A cluster of two workers. NODE_CLUSTER_SCHED_POLICY=rr: the primary process
// distributes connections; none: the workers accept from one socket.
import cluster from 'node:cluster';
import dgram from 'node:dgram';
import http from 'node:http';
import { once } from 'node:events';

const clients = 200;

function work() {
  http.createServer((request, response) => {
    if (request.url === '/die') process.exit(7);
    response.end(String(cluster.worker.id));
  }).listen('cluster.sock', () => {
    const socket = dgram.createSocket('udp4');
    socket.on('message', (message, { port }) => socket.send(`${message}!`, port, '127.0.0.1'));
    socket.bind(0, '127.0.0.1', () => process.send(socket.address().port));
  });
}

// Returns the id of the worker that responds.
async function get(path) {
  const request = http.get({ socketPath: 'cluster.sock', path, agent: false });
  const [response] = await once(request, 'response');
  const [text] = await once(response.setEncoding('utf8'), 'data');
  return text;
}

async function main() {
  const workers = [cluster.fork(), cluster.fork()];
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  console.log('the workers share a UDP port:', ports[0] === ports[1]);

  const answers = await Promise.all(Array.from({ length: clients }, () => get('/')));
  console.log('answers of workers:', answers.filter((id) => id in cluster.workers).length);
  if (cluster.schedulingPolicy === cluster.SCHED_RR) {
    const turns = [];
    for (let i = 0; i < 20; i++) turns.push(await get('/'));
    console.log('both take their turns:', new Set(turns).size === 2);
  }

  const client = dgram.createSocket('udp4');
  client.send('datagram', ports[0], '127.0.0.1');
  console.log('UDP:', String((await once(client, 'message'))[0]));
  client.close();

  const death = once(cluster, 'exit');
  console.log('a worker dies:', (await get('/die').catch((error) => error)).code, (await death)[1]);
  console.log('the other goes on:', await get('/') in cluster.workers);
  cluster.disconnect();
  console.log('disconnected:', (await once(cluster, 'exit'))[1], Object.keys(cluster.workers).length);
}

if (cluster.isPrimary) await main();
else work();
