"""An ordering race: as ordering.c. The status is 3 if the request comes before the configuration."""

import socket
import sys

import oxuv

configuration = b""
lost = False


def on_configuration(pipe, data, error):
    global configuration
    configuration += data
    if len(configuration) == 5:
        pipe.close()


def on_request(pipe, data, error):
    global lost
    lost = configuration != b"Hello"
    print((configuration or b"(no configuration)").decode(), data.decode())
    pipe.close()


with oxuv.Loop() as loop:
    ours, theirs = zip(socket.socketpair(), socket.socketpair())
    for end, callback in zip(ours, (on_configuration, on_request)):
        pipe = oxuv.Pipe(loop)
        pipe.open(end.detach())
        pipe.read_start(callback)
    theirs[0].send(b"Hello")
    theirs[1].send(b"W")
    loop.run()

for end in theirs:
    end.close()
sys.exit(3 if lost else 0)
