// The first event program: reads a file while other events occur.
'use strict';
const fs = require('fs');

fs.writeFileSync('message.txt', 'The content of the file\n');

fs.readFile('message.txt', 'utf8', (error, text) => {
  if (error) throw error;
  process.stdout.write(text);
});
console.log('This happens first');
