// Looking up names: getaddrinfo and getnameinfo, on the pool.
import dns from 'node:dns';
import net from 'node:net';
import { once } from 'node:events';

const code = (promise) => promise.then((result) => JSON.stringify(result), (error) => `${error.code} ${error.syscall}`);
const { lookup, lookupService } = dns.promises;

console.log('IPv4:', await code(lookup('localhost', 4)));
console.log('numeric:', await code(lookup('127.0.0.1')), await code(lookup('::1')));
console.log('all:', await code(lookup('localhost', { all: true, family: 4 })));
console.log('service:', await code(lookupService('127.0.0.1', 22)));
console.log('too long:', await code(lookup('x'.repeat(64) + '.invalid')));

const found = await Promise.all(Array.from({ length: 200 }, () => lookup('localhost', 4)));
console.log('two hundred at once:', found.filter(({ address }) => address === '127.0.0.1').length);

const server = net.createServer((socket) => socket.end('by name')).listen(0, '127.0.0.1');
await once(server, 'listening');
const client = net.connect({ port: server.address().port, host: 'localhost', family: 4 });
client.on('lookup', (error, address, family, host) => console.log('socket:', error, address, family, host));
console.log('connected', String(await once(client, 'data')));
server.close();
