"""Signal handles, which share signals with Python's signal module."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import Any, Callable, Generator, List, Optional
from weakref import WeakSet

from . import _ffi
from ._library import lib
from .errors import check
from .handles import Handle, check_callable, handle_at
from .loop import Loop, RunMode

__all__ = ["Signal"]


class Signal(Handle):
    """Calls back, on the loop, when the process gets a signal.

    While a signal is watched, its handler from the signal module is disabled. It is restored
    when the last handle stops, if that happens in the main thread.
    """

    _type = _ffi.UV_SIGNAL
    _signum = 0
    _oneshot = False

    def _init(self) -> int:
        return int(lib.uv_signal_init(self._loop._address, self._address))

    def start(self, callback: Callable[[Signal, int], object], signum: int) -> None:
        """Watch for a signal."""
        self._start(callback, signum, False)

    def start_oneshot(self, callback: Callable[[Signal, int], object], signum: int) -> None:
        """Watch for a signal once: the handle stops right before the callback."""
        # uv_signal_start_oneshot() silently stops the handle after the callback, even if the
        # callback has started it again.
        self._start(callback, signum, True)

    def _start(self, callback: Callable[..., object], signum: int, oneshot: bool) -> None:
        check_callable(callback)
        before = self.signum
        check(lib.uv_signal_start(self._usable(), _on_signal, signum))
        self._callback = callback
        self._oneshot = oneshot
        self._signum = signum
        _watchers.add(self)
        self._update()
        if before != signum:
            _restore(before)

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        signum = self.signum
        with _blocked(signum):
            check(lib.uv_signal_stop(self._usable()))
            self._update()
            _restore(signum)

    def _close(self, callback: Optional[Callable[[Any], object]], close: Any) -> None:
        signum = self.signum
        with _blocked(signum):
            super()._close(callback, close)
            _restore(signum)

    @property
    def signum(self) -> int:
        """The watched signal, or 0."""
        return self._signum if self.active else 0

    def _call(self, *arguments: Any) -> None:
        if self._signum == signal.SIGINT:
            self._note_interrupt()
        if self._oneshot:
            self.stop()
        super()._call(*arguments)

    def _note_interrupt(self) -> None:
        self._loop._interrupted_in = _iteration(self._loop)


def _dispatch(address: int, signum: int) -> None:
    handle_at(address)._call(signum)


_on_signal = _ffi.uv_signal_cb(_dispatch)


_watchers: WeakSet[Signal] = WeakSet()


def _watching(signum: int) -> List[Signal]:
    return [watcher for watcher in _watchers if watcher.signum == signum]


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _blocked(signum: int) -> Generator[None, None, None]:
    """Block a signal while its handler is replaced, so that the default action cannot run."""
    if not signum:
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signum])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _restore(signum: int) -> None:
    """Restore the signal module's handler when no handle watches the signal.

    libuv leaves the default action, which for SIGINT would end the process on Ctrl-C.
    """
    if not signum or _watching(signum) or not _is_main_thread():
        return
    handler = signal.getsignal(signum)
    if handler is not None and handler != signal.SIG_DFL:
        signal.signal(signum, handler)


class _Interrupt(Signal):
    """Turns SIGINT into KeyboardInterrupt, which Python cannot do while C code waits."""

    def _note_interrupt(self) -> None:
        pass


def _iteration(loop: Loop) -> int:
    metrics = _ffi.uv_metrics_t()
    check(lib.uv_metrics_info(loop._address, metrics))
    return int(metrics.loop_count)


def _interrupted(watcher: Signal, signum: int) -> None:
    # libuv leaves the order of handles open: one of the program may have been called before and
    # have stopped.
    loop = watcher._loop
    if _watching(signum) == [watcher] and loop._interrupted_in != _iteration(loop):
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible(loop: Loop, mode: RunMode) -> Generator[None, None, None]:
    """Make SIGINT interrupt a running loop like other Python code."""
    if (
        mode == RunMode.NOWAIT
        or not _is_main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        or _watching(signal.SIGINT)
    ):
        yield
        return
    watcher = loop._interrupt
    if not isinstance(watcher, _Interrupt):
        watcher = loop._interrupt = _Interrupt(loop)
        watcher.unref()
    watcher.start(_interrupted, signal.SIGINT)
    try:
        yield
    finally:
        watcher.stop()
