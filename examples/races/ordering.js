// An ordering race: one connection brings the configuration and another the first request. The configuration was sent
// first, but nothing says that it is read first. The status is 3 if the request has none.
'use strict';
const net = require('net');

let configuration = '';
let connected = 0;
const clients = [];

const server = net.createServer((socket) => {
  socket.setEncoding('utf8');
  socket.on('data', (text) => {
    if (text[0] === 'W') {
      const lost = configuration !== 'Hello';
      console.log(lost ? '(no configuration)' : configuration, text);
      process.exit(lost ? 3 : 0);
    }
    configuration += text;
  });
  // Both are sent when both connections are accepted.
  if (++connected === 2) {
    clients[0].write('Hello');
    clients[1].write('W');
  }
});

server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < 2; i++) clients.push(net.connect(server.address().port, '127.0.0.1'));
});
