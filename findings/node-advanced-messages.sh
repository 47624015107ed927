#!/bin/bash
# Node.js loses all messages of a child when a read of its channel ends within the length of a message.
#
# With `serialization: 'advanced'` each message begins with its length, 4 bytes. What was read is appended to a list of
# buffers, and the length is read from the first of them, while it has at least 4 bytes. If it has fewer, which a stream
# of bytes allows, nothing joins it with the next: the list grows, and no message arrives any more. The sender sees
# no error.
#
# Uses Node.js 18.20.4 of Debian 12 (amd64), unpacked into a temporary directory, on Debian's own libuv. The
# child is Python, which sends one message in a piece or in two. Prints what was seen, and fails if that changes.
set -euo pipefail
version=18.20.4+dfsg-1~deb12u3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root "nodejs=$version" "libnode108=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu

cat >child.py <<'PYTHON'
import array, fcntl, os, socket, sys, termios

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
message = bytes.fromhex(sys.argv[1])
at = int(sys.argv[2])
channel.setblocking(True)
for part in (message[:at], message[at:]):
    channel.send(part)
    unread = array.array("i", [1])
    while unread[0]:  # until Node.js has read it
        fcntl.ioctl(channel, termios.TIOCOUTQ, unread)
PYTHON
cat >parent.js <<'JS'
const { spawn } = require('child_process');
const v8 = require('v8');
const body = v8.serialize('hello');
const message = Buffer.alloc(4 + body.length);
message.writeUInt32BE(body.length);
body.copy(message, 4);
const at = Number(process.argv[2]);
const child = spawn('python3', ['child.py', message.toString('hex'), at],
                    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
let got = 'nothing';
child.on('message', (text) => { got = text; });
child.on('exit', () => setImmediate(() => {
  console.log(`in parts of ${at} and ${message.length - at} bytes: ${got}`);
  process.exit();
}));
JS

for at in 0 2 4 6; do root/usr/bin/node parent.js $at; done | tee seen

diff seen - <<'EXPECTED'
in parts of 0 and 13 bytes: hello
in parts of 2 and 11 bytes: nothing
in parts of 4 and 9 bytes: hello
in parts of 6 and 7 bytes: hello
EXPECTED
echo "as expected"
