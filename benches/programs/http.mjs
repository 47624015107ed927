// An HTTP server of one short answer; it prints its port.
import http from 'node:http';

const server = http.createServer((request, response) => response.end('hello, world\n'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
