// An HTTP server with 1,000 connections at once, each kept for ten requests.
import http from 'node:http';
import { once } from 'node:events';

const clients = 1000;
const rounds = 10;
let connections = 0;
let waiting = [];

// Responds when all requests have arrived, so that all clients are connected at once.
const server = http.createServer(async (request, response) => {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  waiting.push(() => response.end(`${request.method} ${request.url} ${bytes} bytes`));
  if (waiting.length < clients) return;
  for (const answer of waiting) answer();
  waiting = [];
});
server.on('connection', () => connections++);
server.keepAliveTimeout = 0; // how long a round takes is no reason to hang up

const agent = new http.Agent({ keepAlive: true, maxSockets: clients, maxFreeSockets: clients });

async function ask(port, round, client) {
  const path = `/round/${round}/client/${client}`;
  const request = http.request({ agent, port, path, method: 'POST' });
  request.end(Buffer.alloc(client * 10));
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return response.statusCode === 200 && text === `POST ${path} ${client * 10} bytes`;
}

server.listen({ port: 0, host: '127.0.0.1', backlog: clients });
await once(server, 'listening');
const { port } = server.address();
for (let round = 0; round < rounds; round++) {
  const answers = await Promise.all(
    Array.from({ length: clients }, (_, client) => ask(port, round, client)));
  console.log(`round ${round}: ${answers.filter(Boolean).length} right answers`);
}
console.log(`${connections} connections`);
agent.destroy();
server.close();
await once(server, 'close');
console.log('closed');
