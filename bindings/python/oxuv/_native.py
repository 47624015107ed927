"""Memory shared with libuv, and the map from addresses to Python objects.

libuv keeps pointers to the memory of loops, handles and requests. This package keeps alive
all memory that libuv may still use: `Loop._held` has a strong reference to each active or
closing handle, `requests._in_flight` to each request, and the object owns the memory. The
table here is weak, so an inactive handle without references can be collected; its `__del__`
passes it to the loop, which closes it.
"""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, List, Tuple, Union
from weakref import WeakValueDictionary

from . import _ffi

Buffer = Union[bytes, bytearray, memoryview]
Buffers = Union[Buffer, Iterable[Buffer]]


class Native:
    """An object whose memory libuv uses."""

    def __init__(self, size: int) -> None:
        self._memory = ctypes.create_string_buffer(size)
        self._address = ctypes.addressof(self._memory)
        objects[self._address] = self


#: Every live Native by its address.
objects: WeakValueDictionary[int, Native] = WeakValueDictionary()


def pin(data: Any) -> Tuple[int, int, object]:
    """Return the address and length of a buffer, and an object that keeps both valid.

    A bytearray cannot be resized while it is pinned. A read-only buffer other than bytes is
    copied, because ctypes cannot get its address.
    """
    if not isinstance(data, bytes):
        view = memoryview(data).cast("B")
        if not view.readonly:
            array = (ctypes.c_char * view.nbytes).from_buffer(view)
            return ctypes.addressof(array), view.nbytes, array
        data = bytes(view)
    address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
    assert address is not None  # even b"" has an address
    return address, len(data), data


def separate(data: Buffers) -> List[Any]:
    """Return the buffers of `data`, which is one buffer or several."""
    return [data] if isinstance(data, (bytes, bytearray, memoryview)) else list(data)


def make_bufs(data: Buffers) -> Tuple[Any, int, object]:
    """Return a uv_buf_t array, its length, and an object that keeps it valid."""
    pinned = [pin(buffer) for buffer in separate(data)]
    bufs = (_ffi.uv_buf_t * len(pinned))()
    for buf, (address, length, _) in zip(bufs, pinned):
        buf.base, buf.len = address, length
    return bufs, len(pinned), pinned
