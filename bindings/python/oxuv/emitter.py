"""Streams, servers, child processes, datagrams and signals that emit events, as in Node.js.

Events have Node's names. `on` and `once`, from pyee's EventEmitter, add listeners, which get
the arguments of the event but not the emitter. A call raises errors that are known at once.
Later errors are emitted as "error"; without a listener for it `Loop.run` raises them. "close"
is the last event of every object that can be closed.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Union

try:
    from pyee.base import EventEmitter
except ImportError as missing:
    raise ImportError("oxuv.emitter needs pyee: pip install pyee") from missing

from . import process, signals, sockets, stream, udp
from ._native import Buffers
from .errors import UVError
from .handles import Timer
from .loop import Loop
from .pipe import Pipe
from .sockets import Address
from .tcp import Tcp

__all__ = ["Process", "Server", "Signals", "Stream", "Udp", "connect"]

Callback = Callable[[Optional[UVError]], object]
#: An internet address, or the name of a Unix domain socket.
AnyAddress = Union[Address, str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


class Stream(EventEmitter):
    """A connection, a pipe or a terminal.

    - "connect": the stream is connected
    - "data" (bytes): reading begins when the first listener for it is added, or with `resume`
    - "end": the other side has ended its direction
    - "drain": all data is written, after a `write` that returned False
    - "finish": all data and the end of the stream are written
    - "error" (UVError), followed by "close"
    - "close"

    The stream closes itself when both directions have ended. When the other side ends, it ends
    its own direction, unless `allow_half_open` is set. Without reading there is no "end".
    """

    #: The number of queued bytes above which `write` returns False.
    high_water_mark = 64 * 1024

    def __init__(self, handle: stream.Stream, *, allow_half_open: bool = False) -> None:
        super().__init__()
        self.handle = handle
        self.allow_half_open = allow_half_open
        self._connecting = False
        self._paused = False  # by pause()
        self._wanted = False  # there is a listener for "data", or `resume` was called
        self._reading = False
        self._read_ended = not handle.readable
        self._write_ended = not handle.writable
        self._ending = False
        self._waiting = False  # for "drain"
        self._destroyed = False
        self._after_close: Callable[[], object] = _nothing

    @property
    def destroyed(self) -> bool:
        """Whether the stream is closed or closing."""
        return self._destroyed or self.handle.closing

    def emit(self, event: str, *args: Any, **kwargs: Any) -> bool:
        if event == "new_listener" and args[0] == "data" and not self._paused:
            self.resume()
        return super().emit(event, *args, **kwargs)

    def resume(self) -> None:
        """Start to read, with or without a listener for "data"."""
        self._paused, self._wanted = False, True
        self._read()

    def pause(self) -> None:
        """Stop reading until `resume`."""
        self._paused, self._wanted = True, False
        if self._reading and not self.destroyed:
            self.handle.read_stop()
            self._reading = False

    def write(self, data: Buffers, callback: Optional[Callback] = None) -> bool:
        """Write a buffer, or several; they must not change until they are written.

        Returns False if more than `high_water_mark` bytes are queued: wait for "drain".
        """
        if self._ending:
            raise ValueError("write after end")

        def on_write(handle: stream.Stream, error: Optional[UVError]) -> None:
            try:
                if callback is not None:
                    callback(error)
            finally:
                self._written(error)

        self.handle.write(data, on_write)
        if self.handle.write_queue_size < self.high_water_mark:
            return True
        self._waiting = True
        return False

    def end(self, data: Optional[Buffers] = None) -> None:
        """End the stream after all data is written."""
        if data is not None:
            self.write(data)
        if not self._ending:
            self._ending = True
            self._shutdown()

    def destroy(self, error: Optional[UVError] = None) -> None:
        """Close at once, and drop data that is not written yet."""
        if self.destroyed:
            return
        self._destroyed = True
        self.handle.close(lambda handle: self._closed(error))

    def pipe(self, destination: Stream, *, end: bool = True) -> Stream:
        """Write all data that arrives to `destination`, at its speed, and then end it.

        Data that arrives after `destination` was closed is dropped.
        """

        def on_data(data: bytes) -> None:
            if not destination.destroyed and not destination.write(data):
                self.pause()

        self.on("data", on_data)
        destination.on("drain", self.resume)
        destination.on("close", self.resume)
        if end:
            self.on("end", destination.end)
        return destination

    def _connect(self, address: AnyAddress) -> None:
        handle: Any = self.handle
        handle.connect(address, self._connected)
        self._connecting = True

    def _connected(self, handle: stream.Stream, error: Optional[UVError]) -> None:
        self._connecting = False
        if error is not None:
            self.destroy(error)
            return
        self._read_ended, self._write_ended = not handle.readable, not handle.writable
        try:
            self.emit("connect")
        finally:
            self._read()
            self._shutdown()

    def _read(self) -> None:
        ready = not (self._connecting or self._read_ended or self.destroyed)
        if self._wanted and ready and not self._reading:
            self.handle.read_start(self._received)
            self._reading = True

    def _received(self, handle: stream.Stream, data: bytes, error: Optional[UVError]) -> None:
        if error is not None:
            self.destroy(error)
        elif data:
            self.emit("data", data)
        else:
            self._read_ended, self._reading = True, False
            try:
                self.emit("end")
            finally:
                if not self.allow_half_open:
                    self.end()
                self._close_if_ended()

    def _written(self, error: Optional[UVError]) -> None:
        if error is not None:
            self.destroy(error)
        elif self._waiting and not self.destroyed and self.handle.write_queue_size == 0:
            self._waiting = False
            self.emit("drain")

    def _shutdown(self) -> None:
        if not self._ending or self._connecting or self._write_ended or self.destroyed:
            return
        try:
            self.handle.shutdown(self._finished)
        except UVError as error:
            self.destroy(error)

    def _finished(self, handle: stream.Stream, error: Optional[UVError]) -> None:
        # A terminal, and a pipe that is not a socket, can only be ended by closing them.
        if error is not None and error.name != "ENOTSOCK":
            self.destroy(error)
            return
        self._write_ended = True
        try:
            self.emit("finish")
        finally:
            self._close_if_ended()

    def _close_if_ended(self) -> None:
        if self._read_ended and self._write_ended:
            self.destroy()

    def _closed(self, error: Optional[UVError]) -> None:
        try:
            if error is not None:
                self.emit("error", error)
        finally:
            try:
                self.emit("close")
            finally:
                self._after_close()


def connect(loop: Loop, address: AnyAddress, *, allow_half_open: bool = False) -> Stream:
    """Connect to a server. Data can be written before the stream is connected."""
    handle = _handle_for(loop, address)
    connection = Stream(handle, allow_half_open=allow_half_open)
    try:
        connection._connect(address)
    except BaseException:
        handle.close()
        raise
    return connection


class Server(EventEmitter):
    """Accepts connections.

    - "listening": `listen` has succeeded
    - "connection" (Stream)
    - "error" (UVError): a connection could not be accepted
    - "close": after `close`, when all connections are closed too
    """

    handle: Union[Tcp, Pipe]

    def __init__(self, loop: Loop, *, allow_half_open: bool = False) -> None:
        super().__init__()
        self._loop = loop
        self.allow_half_open = allow_half_open
        self._listening = False
        self._connections: Set[Stream] = set()

    def listen(self, address: AnyAddress, backlog: int = 128) -> None:
        """Listen for connections. Port 0 picks a free port, which `address` returns."""
        if self._listening:
            raise ValueError("the server is already listening")
        handle: Any = _handle_for(self._loop, address)
        try:
            handle.bind(address)
            handle.listen(self._connection, backlog)
        except BaseException:
            handle.close()
            raise
        self.handle, self._listening = handle, True
        _soon(handle, lambda: self.emit("listening"))

    def address(self) -> Union[Address, str]:
        """Return the address on which the server listens."""
        return self.handle.getsockname()

    def close(self) -> None:
        """Stop accepting connections. Existing connections stay open."""
        if not self.handle.closing:
            self.handle.close(lambda handle: self._close_if_unused())

    def _connection(self, handle: stream.Stream, error: Optional[UVError]) -> None:
        try:
            if error is not None:
                raise error
            accepted = handle.accept()
        except UVError as failure:
            self.emit("error", failure)
            return
        connection = Stream(accepted, allow_half_open=self.allow_half_open)
        connection._after_close = lambda: self._forget(connection)
        self._connections.add(connection)
        self.emit("connection", connection)

    def _forget(self, connection: Stream) -> None:
        self._connections.remove(connection)
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self.handle.closed and not self._connections:
            self.emit("close")


class Process(EventEmitter):
    """A child process, and streams for its descriptors.

    - "exit" (exit status, signal that ended the child or 0)
    - "close" (the same): the child has ended and its streams are closed
    """

    def __init__(
        self,
        loop: Loop,
        args: Sequence[process.StrPath],
        *,
        stdio: Sequence[Union[process.Stdio, str]] = ("pipe", "pipe", "pipe"),
        **options: Any,
    ) -> None:
        """Start a program. `options` are those of `oxuv.Process`, as is `stdio`, in which
        "pipe" means a new pipe.
        """
        super().__init__()
        pipes: List[Optional[Pipe]] = []
        containers: List[process.Stdio] = []
        for fd, what in enumerate(stdio):
            if isinstance(what, str):
                if what != "pipe":
                    raise ValueError(f"{what!r} is not 'pipe'")
                new = Pipe(loop)
                # Input of the child, output, or, above the standard three, both.
                containers.append(process.CreatePipe(new, fd != 1 and fd != 2, fd != 0))
                pipes.append(new)
            else:
                containers.append(what)
                pipes.append(None)
        try:
            self.handle = process.Process(loop, args, self._exited, stdio=containers, **options)
        except BaseException:
            for each in pipes:
                if each is not None:
                    each.close()
            raise
        self.pid = self.handle.pid
        #: The stream of each descriptor, or None if it is not a "pipe".
        self.stdio = [None if each is None else Stream(each) for each in pipes]
        self._open = 1  # the process and its streams
        for child_stream in self._streams():
            child_stream._after_close = self._part_closed
            self._open += 1

    @property
    def stdin(self) -> Stream:
        """The child's standard input, if that is a pipe."""
        return self._standard(0)

    @property
    def stdout(self) -> Stream:
        """The child's standard output, if that is a pipe."""
        return self._standard(1)

    @property
    def stderr(self) -> Stream:
        """The child's standard error, if that is a pipe."""
        return self._standard(2)

    @property
    def exit_status(self) -> Optional[int]:
        """The exit status of the child; None while it runs."""
        return self.handle.exit_status

    @property
    def term_signal(self) -> Optional[int]:
        """The signal that ended the child, 0 if it exited; None while it runs."""
        return self.handle.term_signal

    def kill(self, signum: int = signal.SIGTERM) -> bool:
        """Send a signal to the child. Returns False if it has ended."""
        if self.handle.closing:
            return False
        self.handle.kill(signum)
        return True

    def _standard(self, fd: int) -> Stream:
        found = self.stdio[fd] if fd < len(self.stdio) else None
        if found is None:
            raise ValueError(f"descriptor {fd} of the child is not a pipe")
        return found

    def _streams(self) -> List[Stream]:
        return [each for each in self.stdio if each is not None]

    def _exited(self, handle: process.Process, exit_status: int, term_signal: int) -> None:
        handle.close(lambda handle: self._part_closed())
        # The input has no reader any more, and output without a reader must not keep its
        # stream open.
        if self.stdio and self.stdio[0] is not None:
            self.stdio[0].destroy()
        for child_stream in self._streams():
            if not child_stream._paused:
                child_stream.resume()
        self.emit("exit", exit_status, term_signal)

    def _part_closed(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.emit("close", self.exit_status, self.term_signal)


class Udp(EventEmitter):
    """A UDP socket.

    - "listening": `bind` has succeeded
    - "message" (bytes, Address)
    - "error" (UVError): a datagram could not be received, or sent by a `send` without callback
    - "close"
    """

    def __init__(self, loop: Loop, flags: int = 0) -> None:
        super().__init__()
        self.handle = udp.Udp(loop, flags)
        self._receiving = False

    def bind(self, address: Address, flags: int = 0) -> None:
        """Receive at an address. Port 0 picks a free port, which `address` returns."""
        self.handle.bind(address, flags)
        self._receive()
        _soon(self.handle, lambda: self.emit("listening"))

    def connect(self, address: Optional[Address]) -> None:
        """Send to this address and receive only from it; None disconnects."""
        self.handle.connect(address)
        self._receive()

    def send(
        self, data: Buffers, address: Optional[Address] = None, callback: Optional[Callback] = None
    ) -> None:
        """Send one datagram; a connected socket needs no address.

        A socket that is not bound gets a free port, and receives on it.
        """

        def on_send(handle: udp.Udp, error: Optional[UVError]) -> None:
            if callback is not None:
                callback(error)
            elif error is not None and not handle.closing:
                self.emit("error", error)

        self.handle.send(data, address, on_send)
        self._receive()

    def address(self) -> Address:
        """Return the local address."""
        return self.handle.getsockname()

    def close(self) -> None:
        """Close the socket."""
        if not self.handle.closing:
            self.handle.close(lambda handle: self.emit("close"))

    def _receive(self) -> None:
        if not self._receiving:
            self.handle.recv_start(self._received)
            self._receiving = True

    def _received(
        self, handle: udp.Udp, data: bytes, address: Optional[Address], error: Optional[UVError]
    ) -> None:
        if error is not None:
            self.emit("error", error)
        else:
            self.emit("message", data, address)


class Signals(EventEmitter):
    """The signals of the process: the events are "SIGINT", "SIGUSR1" and so on.

    Listeners get the signal, a `signal.Signals`. A signal is watched while it has a listener,
    which does not keep the loop alive.
    """

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop
        self._watchers: Dict[str, signals.Signal] = {}

    def emit(self, event: str, *args: Any, **kwargs: Any) -> bool:
        if event == "new_listener" and args[0].startswith("SIG"):
            self._watch(args[0])
        try:
            return super().emit(event, *args, **kwargs)
        finally:
            if event in self._watchers:
                self._unwatch()  # a listener added with once() was removed

    def remove_listener(self, event: str, f: Callable[..., Any]) -> None:
        super().remove_listener(event, f)
        self._unwatch()

    def remove_all_listeners(self, event: Optional[str] = None) -> None:
        super().remove_all_listeners(event)
        self._unwatch()

    def _watch(self, name: str) -> None:
        if name in self._watchers:
            return
        signum = signal.Signals[name]
        watcher = signals.Signal(self._loop)
        watcher.start(lambda watcher, number: self.emit(name, signum), signum)
        watcher.unref()
        self._watchers[name] = watcher

    def _unwatch(self) -> None:
        for name in [name for name in self._watchers if not self.listeners(name)]:
            self._watchers.pop(name).close()


def _nothing() -> None:
    pass


def _handle_for(loop: Loop, address: AnyAddress) -> Union[Tcp, Pipe]:
    return Tcp(loop) if isinstance(address, tuple) else Pipe(loop)


def _soon(handle: sockets.Socket, function: Callable[[], object]) -> None:
    """Call from the loop, because listeners may be added after the call that emits."""

    def on_timer(timer: Timer) -> None:
        timer.close()
        if not handle.closing:
            function()

    Timer(handle.loop).start(on_timer, 0)
