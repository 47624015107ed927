"""Child processes and pipes."""

import asyncio
import hashlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT

from steps import run


async def output(*args, data=None, **options):
    options = {"stdin": PIPE, "stdout": PIPE, **options}
    child = await asyncio.create_subprocess_exec(*args, **options)
    out, _ = await child.communicate(data)
    return child.returncode, out


async def many():
    results = await asyncio.gather(
        *(output("sh", "-c", f"read x; echo $x {i}; exit {i}", data=b"got\n") for i in range(60))
    )
    return sum(result == (i, b"got %d\n" % i) for i, result in enumerate(results))


async def much():
    data = os.urandom(8 << 20)
    status, out = await output("cat", data=data)
    return status, hashlib.sha256(out).digest() == hashlib.sha256(data).digest()


async def ends():
    async def end(program, send=None):
        child = await asyncio.create_subprocess_exec("sh", "-c", program, stdout=PIPE)
        await child.stdout.readline()
        if send:
            child.send_signal(send)
        return await child.wait()

    return [
        await end("echo; exit 0"),
        await end("echo; exit 255"),
        await end("echo; kill -ABRT $$"),
        await end("echo; exec sleep 100", signal.SIGTERM),
        await end("echo; exec sleep 100", signal.SIGKILL),
        await end("trap 'exit 7' USR1; echo; while :; do sleep 0.01; done", signal.SIGUSR1),
    ]


async def surroundings():
    program = "pwd; echo $NAME; echo error >&2; cat; cat /dev/fd/%d"
    inherited, other = os.pipe()
    os.write(other, b"inherited")
    os.close(other)
    child = await asyncio.create_subprocess_shell(
        program % inherited,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd="/",
        env={"NAME": "value", "PATH": os.environ["PATH"]},
        pass_fds=(inherited,),
    )
    out, _ = await child.communicate()
    os.close(inherited)
    return out.decode().split("\n")


async def sessions():
    code = "import os; print(os.getpid() == os.getsid(0))"
    apart = await output(sys.executable, "-c", code, start_new_session=True)
    along = await output(sys.executable, "-c", code)
    return apart, along


async def failures():
    seen = []
    for args in (("/no/such/program",), ("/etc/passwd",)):
        try:
            await asyncio.create_subprocess_exec(*args)
        except OSError as error:
            seen.append(type(error).__name__)
    try:
        await asyncio.create_subprocess_exec("true", cwd="/no/such/directory")
    except OSError as error:
        seen.append(type(error).__name__)
    child = await asyncio.create_subprocess_exec("true")
    await child.wait()
    try:
        child.terminate()
    except ProcessLookupError:
        seen.append("gone")
    return seen


async def cancelled():
    """The wait for a child is cancelled, and then the child is ended."""
    child = await asyncio.create_subprocess_exec("sleep", "1000")
    try:
        await asyncio.wait_for(child.wait(), 0.05)
    except asyncio.TimeoutError:
        running = child.returncode is None
    child.kill()
    return running, await child.wait()


class Calls(asyncio.SubprocessProtocol):
    def __init__(self):
        self.out, self.calls = {1: b"", 2: b""}, []
        self.ended = asyncio.get_running_loop().create_future()

    def pipe_data_received(self, fd, data):
        self.out[fd] += data

    def pipe_connection_lost(self, fd, error):
        self.calls.append((fd, error))

    def process_exited(self):
        self.calls.append("exited")

    def connection_lost(self, error):
        self.ended.set_result(self.calls[:])


async def protocol():
    transport, protocol = await asyncio.get_running_loop().subprocess_exec(
        Calls, "sh", "-c", "echo out; echo err >&2; exit 9"
    )
    calls = await protocol.ended
    return protocol.out, sorted(map(str, calls)), transport.get_returncode()


async def pipes():
    """Ends of a pipe as transports."""
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    transport, _ = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(write_end, "wb", 0)
    )
    data = os.urandom(2_000_000)
    transport.write(data)
    transport.close()
    return await reader.read() == data


async def pipe_without_a_reader():
    """The writer is notified at once that the other end is closed."""
    loop, lost = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
    read_end, write_end = os.pipe()

    class Writer(asyncio.BaseProtocol):
        def connection_lost(self, error):
            lost.set_result(type(error).__name__)

    await loop.connect_write_pipe(Writer, os.fdopen(write_end, "wb", 0))
    os.close(read_end)
    return await lost


async def no_zombies():
    await asyncio.gather(*(output("true") for _ in range(30)))
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        return children.read()


run(
    many,
    much,
    ends,
    surroundings,
    sessions,
    failures,
    cancelled,
    protocol,
    pipes,
    pipe_without_a_reader,
    no_zombies,
)
