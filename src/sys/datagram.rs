//! Sending and receiving datagrams, one or many with one call.

use super::fd::total;
use super::{c, count, cvt, field, length, retry, socklen};
use crate::abi::{uv_buf_t, Error, Result};
use core::ffi::{c_int, c_uint};
use core::mem::{offset_of, size_of, MaybeUninit};
use core::ptr;
use libc::{iovec, mmsghdr, msghdr, sockaddr, sockaddr_storage, socklen_t};

/// The most datagrams in one call. The arrays for them are on the stack.
pub const BATCH: usize = 64;

/// The destination of a datagram; a NULL address means the peer of a connected socket.
#[derive(Clone, Copy)]
pub struct Destination {
    pub address: *const sockaddr,
    pub length: socklen_t,
}

impl Destination {
    pub const PEER: Destination = Destination { address: ptr::null(), length: 0 };

    /// Whether it is the destination of the message.
    ///
    /// # Safety
    /// Both addresses are readable.
    unsafe fn is(self, message: &msghdr) -> bool {
        let (ours, theirs) = (self.address.cast::<u8>(), message.msg_name.cast::<u8>());
        let length = self.length as usize;
        self.length == message.msg_namelen
            && (ours == theirs.cast_const()
                // SAFETY: as documented. NULL, with the length 0, equals only NULL.
                || unsafe {
                    core::slice::from_raw_parts(ours, length)
                        == core::slice::from_raw_parts(theirs, length)
                })
    }
}

fn header(to: Destination, buffers: &[uv_buf_t]) -> msghdr {
    // uv_buf_t has the layout of struct iovec, which abi/ asserts.
    message(to.address.cast_mut(), to.length, buffers.as_ptr().cast_mut().cast(), buffers.len())
}

fn message(
    name: *mut sockaddr,
    name_length: socklen_t,
    vectors: *mut iovec,
    count: usize,
) -> msghdr {
    // SAFETY: all zeroes are a valid msghdr, some of whose fields differ between C libraries.
    let mut message: msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = name.cast();
    message.msg_namelen = name_length;
    message.msg_iov = vectors;
    message.msg_iovlen = count as _;
    message
}

/// Converts the number of messages, at most `BATCH`.
fn number(messages: usize) -> c_uint {
    messages.try_into().unwrap_or(0)
}

/// Sends the buffers as one datagram; returns its size.
///
/// # Safety
/// The address and the buffers are readable.
pub unsafe fn send(fd: c_int, to: Destination, buffers: &[uv_buf_t]) -> Result<usize> {
    match buffers {
        [one] => retry(|| {
            // SAFETY: as documented.
            count(unsafe { c::sendto(fd, one.base.cast(), one.len, 0, to.address, to.length) })
        }),
        many => {
            let header = header(to, many);
            // SAFETY: as documented.
            retry(|| count(unsafe { c::sendmsg(fd, &raw const header, 0) }))
        }
    }
}

/// Datagrams to send with one call.
///
/// A run of datagrams of one size to one address, of which the last may be shorter, becomes one message,
/// which the kernel splits as late as possible (generic segmentation offload). That saves most of the
/// cost of a small datagram.
pub struct Outbox {
    headers: [MaybeUninit<mmsghdr>; BATCH],
    /// The number of datagrams in each message.
    runs: [u8; BATCH],
    /// The index in `vectors` of the first buffer of a message with several datagrams. The header gets
    /// the pointers when the message is sent, so that an outbox can be moved.
    starts: [u8; BATCH],
    messages: usize,
    datagrams: usize,
    /// The size of the last message, and of the datagrams in it. The latter is 0 if no datagram can be
    /// added.
    last_size: usize,
    segment: usize,
    /// The buffers of messages with several datagrams.
    vectors: [MaybeUninit<iovec>; 2 * BATCH],
    vectors_used: usize,
    /// Their control messages, with the sizes of their datagrams.
    controls: [MaybeUninit<SegmentSize>; BATCH / 2],
    controls_used: usize,
    segmenting: bool,
}

/// The control message `UDP_SEGMENT`.
#[repr(C)]
struct SegmentSize {
    header: libc::cmsghdr,
    size: u16,
    padding: [u16; 3],
}

impl SegmentSize {
    fn new(size: u16) -> SegmentSize {
        // SAFETY: all zeroes are a valid header.
        let mut header: libc::cmsghdr = unsafe { core::mem::zeroed() };
        header.cmsg_len = (offset_of!(SegmentSize, size) + size_of::<u16>()) as _;
        header.cmsg_level = libc::SOL_UDP;
        header.cmsg_type = libc::UDP_SEGMENT;
        SegmentSize { header, size, padding: [0; 3] }
    }
}

/// The maximum size of a message with several datagrams: that of an IPv6 packet, less its headers.
const MAX_MESSAGE: usize = 65_487;

impl Outbox {
    /// Makes an empty outbox. `segmenting` allows several datagrams in one message.
    pub fn new(segmenting: bool) -> Outbox {
        Outbox {
            headers: [const { MaybeUninit::uninit() }; BATCH],
            runs: [0; BATCH],
            starts: [0; BATCH],
            messages: 0,
            datagrams: 0,
            last_size: 0,
            segment: 0,
            vectors: [const { MaybeUninit::uninit() }; 2 * BATCH],
            vectors_used: 0,
            controls: [const { MaybeUninit::uninit() }; BATCH / 2],
            controls_used: 0,
            segmenting,
        }
    }

    pub fn is_full(&self) -> bool {
        self.datagrams == BATCH
    }

    /// Adds a datagram, unless there is no room.
    ///
    /// # Safety
    /// The address, and the array of buffers, stay readable until the outbox has been sent.
    pub unsafe fn push(&mut self, to: Destination, buffers: &[uv_buf_t]) {
        if self.is_full() {
            return;
        }
        let size = total(buffers);
        // SAFETY: as documented.
        if !(self.segmenting && unsafe { self.extend_run(to, buffers, size) }) {
            self.headers[self.messages].write(mmsghdr { msg_hdr: header(to, buffers), msg_len: 0 });
            self.runs[self.messages] = 1;
            self.messages += 1;
            (self.last_size, self.segment) = (size, size);
        }
        self.datagrams += 1;
    }

    /// Adds a datagram to the last message, if that is possible.
    ///
    /// # Safety
    /// As for [`Outbox::push`].
    unsafe fn extend_run(&mut self, to: Destination, buffers: &[uv_buf_t], size: usize) -> bool {
        if size == 0 || size > self.segment || self.last_size + size > MAX_MESSAGE {
            return false;
        }
        let Some(last) = self.messages.checked_sub(1) else { return false };
        // SAFETY: all messages are initialised.
        let last_header = unsafe { &mut self.headers[last].assume_init_mut().msg_hdr };
        // SAFETY: as documented, for this address and for the previous ones.
        if !unsafe { to.is(last_header) } {
            return false;
        }
        let is_new = self.runs[last] == 1;
        let vectors = length(last_header.msg_iovlen);
        let (kept, moved) = if is_new { (0, vectors) } else { (vectors, 0) };
        let room = self.vectors.len() - self.vectors_used;
        if moved.saturating_add(buffers.len()) > room
            || (is_new && self.controls_used == self.controls.len())
        {
            return false;
        }
        let free = self.vectors[self.vectors_used..].as_mut_ptr().cast::<iovec>();
        // SAFETY: there is room for both; a message of one datagram refers to the array that its caller
        // passed. uv_buf_t has the layout of struct iovec.
        unsafe {
            ptr::copy_nonoverlapping(last_header.msg_iov, free, moved);
            ptr::copy_nonoverlapping(buffers.as_ptr().cast(), free.add(moved), buffers.len());
        }
        if is_new {
            // Both fit: there are 128 vectors, and a message is shorter than 64 KiB.
            self.starts[last] = self.vectors_used.try_into().unwrap_or(0);
            let segment = self.segment.try_into().unwrap_or(0);
            self.controls[self.controls_used].write(SegmentSize::new(segment));
            self.controls_used += 1;
        }
        last_header.msg_iovlen = field(kept + moved + buffers.len());
        self.vectors_used += moved + buffers.len();
        self.runs[last] += 1;
        self.last_size += size;
        if size < self.segment {
            self.segment = 0;
        }
        true
    }

    /// Sets the pointers of messages with several datagrams to their buffers and control messages.
    fn point_headers(&mut self) {
        let mut controls = self.controls.iter_mut();
        let vectors = self.vectors.as_mut_ptr().cast::<iovec>();
        for index in (0..self.messages).filter(|&index| self.runs[index] > 1) {
            let Some(control) = controls.next() else { return };
            // SAFETY: all messages are initialised.
            let header = unsafe { &mut self.headers[index].assume_init_mut().msg_hdr };
            header.msg_iov = vectors.wrapping_add(self.starts[index].into());
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = size_of::<SegmentSize>() as _;
        }
    }

    /// Sends as many datagrams as possible; returns their number, or the error of the first. The outbox
    /// must not be used afterwards. `Ok(None)` means that nothing was sent because the kernel or the route
    /// does not support segmentation, or because the user has set a segment size for the socket.
    ///
    /// # Safety
    /// The addresses and buffers of all datagrams are readable.
    pub unsafe fn send(&mut self, fd: c_int) -> Result<Option<usize>> {
        // A kernel without segmentation would ignore the control message.
        if self.controls_used > 0
            && super::socket::option(fd, libc::SOL_UDP, libc::UDP_SEGMENT) != Ok(0)
        {
            return Ok(None);
        }
        self.point_headers();
        let headers = self.headers.as_mut_ptr().cast::<mmsghdr>();
        let sent = match self.messages {
            0 => Ok(0),
            1 => {
                // SAFETY: as documented; the first header is initialised.
                retry(|| count(unsafe { c::sendmsg(fd, &raw const (*headers).msg_hdr, 0) }))
                    .map(|_| 1)
            }
            // SAFETY: as documented; the headers of all messages are initialised.
            _ => retry(|| count(unsafe { c::sendmmsg(fd, headers, number(self.messages), 0) })),
        };
        match sent {
            Ok(sent) => {
                let runs = self.runs.iter().take(sent);
                Ok(Some(runs.map(|&run| usize::from(run)).sum()))
            }
            Err(error)
                if self.runs[0] > 1
                    && [libc::EINVAL, libc::EIO, libc::EMSGSIZE].contains(&-error.code()) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// A datagram that was received.
#[derive(Clone, Copy)]
pub struct Received {
    /// The number of bytes in the buffer.
    pub length: usize,
    /// Whether the datagram was longer than that.
    pub truncated: bool,
    /// The size of the sender's address; 0 if it has none.
    pub address_length: usize,
}

/// Receives one datagram.
///
/// # Safety
/// `buffer` is writable.
pub unsafe fn receive(
    fd: c_int,
    buffer: &uv_buf_t,
    from: &mut MaybeUninit<sockaddr_storage>,
) -> Result<Received> {
    let mut address_length = socklen::<sockaddr_storage>();
    let (base, room, address) = (buffer.base.cast(), buffer.len, from.as_mut_ptr().cast());
    // With MSG_TRUNC the result is the size of the datagram, also if the buffer is smaller.
    // SAFETY: as documented; the length is that of `from`.
    let size = retry(|| unsafe {
        count(c::recvfrom(fd, base, room, libc::MSG_TRUNC, address, &raw mut address_length))
    })?;
    Ok(Received {
        length: size.min(buffer.len),
        truncated: size > buffer.len,
        address_length: address_length as usize,
    })
}

/// Room for the control message `UDP_GRO`, which holds an `int`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct SegmentRoom([MaybeUninit<u8>; 24]);

impl SegmentRoom {
    const fn new() -> SegmentRoom {
        SegmentRoom([MaybeUninit::uninit(); 24])
    }
}

/// Returns the size of the datagrams in a received message, or 0 if it is one datagram.
///
/// # Safety
/// The kernel has filled in the message and its control messages, if it has room for any.
#[inline(always)]
pub unsafe fn segment_size(message: &msghdr) -> usize {
    // Most datagrams come alone.
    match length(message.msg_controllen) {
        0 => 0,
        // SAFETY: as documented.
        _ => unsafe { segment_size_of(message) },
    }
}

/// # Safety
/// As for [`segment_size`].
#[inline(never)]
unsafe fn segment_size_of(message: &msghdr) -> usize {
    // SAFETY: as documented. A control message of this type holds an int.
    unsafe {
        let size = super::socket::controls(message)
            .find(|it| (it.level, it.kind) == (libc::SOL_UDP, libc::UDP_GRO))
            .and_then(|it| it.read::<c_int>(0));
        size.and_then(|size| size.try_into().ok()).unwrap_or(0)
    }
}

/// Lets the kernel deliver several datagrams as one message, or stops that.
pub fn set_merging(fd: c_int, on: bool) -> Result {
    super::socket::set_option(fd, libc::SOL_UDP, libc::UDP_GRO, c_int::from(on))
}

/// Receives one message, which may be several datagrams. Returns the size of each as well, or 0 for a single
/// datagram.
///
/// # Safety
/// `buffer` is writable.
pub unsafe fn receive_merged(
    fd: c_int,
    buffer: &uv_buf_t,
    from: &mut MaybeUninit<sockaddr_storage>,
) -> Result<(Received, usize)> {
    let mut vector = iovec { iov_base: buffer.base.cast(), iov_len: buffer.len };
    let mut room = SegmentRoom::new();
    let length = socklen::<sockaddr_storage>();
    let mut header = message(from.as_mut_ptr().cast(), length, &raw mut vector, 1);
    header.msg_control = room.0.as_mut_ptr().cast();
    header.msg_controllen = size_of::<SegmentRoom>() as _;
    // SAFETY: as documented; the header refers to live variables.
    let length = retry(|| count(unsafe { c::recvmsg(fd, &raw mut header, 0) }))?;
    let received = Received {
        length,
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
        address_length: header.msg_namelen as usize,
    };
    // SAFETY: the kernel has filled it in.
    Ok((received, unsafe { segment_size(&header) }))
}

/// Messages received with one call.
pub struct Inbox {
    headers: [MaybeUninit<mmsghdr>; BATCH],
    vectors: [MaybeUninit<iovec>; BATCH],
    names: [MaybeUninit<sockaddr_storage>; BATCH],
    controls: [SegmentRoom; BATCH],
    count: usize,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox {
            headers: [const { MaybeUninit::uninit() }; BATCH],
            vectors: [const { MaybeUninit::uninit() }; BATCH],
            names: [const { MaybeUninit::uninit() }; BATCH],
            controls: [const { SegmentRoom::new() }; BATCH],
            count: 0,
        }
    }

    /// Receives messages into consecutive pieces of `size` bytes of the buffer; returns their number and
    /// whether there may be more. If not `merging`, each is one datagram.
    ///
    /// # Safety
    /// `buffer` is writable.
    pub unsafe fn receive(
        &mut self,
        fd: c_int,
        buffer: &uv_buf_t,
        size: usize,
        merging: bool,
    ) -> Result<(usize, bool)> {
        self.count = 0;
        let room = (buffer.len / size).min(BATCH);
        let slots = self.headers[..room].iter_mut().zip(&mut self.vectors);
        let slots = slots.zip(&mut self.names).zip(&mut self.controls);
        let mut base = buffer.base;
        for (((header, vector), name), control) in slots {
            let vector = vector.write(iovec { iov_base: base.cast(), iov_len: size });
            let length = socklen::<sockaddr_storage>();
            let mut msg_hdr = message(name.as_mut_ptr().cast(), length, vector, 1);
            if merging {
                msg_hdr.msg_control = control.0.as_mut_ptr().cast();
                msg_hdr.msg_controllen = size_of::<SegmentRoom>() as _;
            }
            header.write(mmsghdr { msg_hdr, msg_len: 0 });
            // SAFETY: `room` pieces fit into the buffer.
            base = unsafe { base.add(size) };
        }
        let headers = self.headers.as_mut_ptr().cast::<mmsghdr>();
        let none = ptr::null_mut();
        // SAFETY: as documented; `room` headers are initialised.
        let received = retry(|| count(unsafe { c::recvmmsg(fd, headers, number(room), 0, none) }))?;
        self.count = received.min(room);
        Ok((self.count, self.count == room))
    }

    /// Returns the messages of the last call, each with the size of the datagrams in it, which is 0 for a single
    /// one, and its sender's address. `merging` is that of [`Inbox::receive`].
    pub fn iter(
        &self,
        merging: bool,
    ) -> impl Iterator<Item = (Received, usize, *const sockaddr)> + '_ {
        self.headers[..self.count].iter().zip(&self.names).map(move |(header, name)| {
            // SAFETY: the first `count` headers are initialised.
            let header = unsafe { header.assume_init_ref() };
            let received = Received {
                length: header.msg_len as usize,
                truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
                address_length: header.msg_hdr.msg_namelen as usize,
            };
            // SAFETY: the kernel has filled it in.
            let segment = if merging { unsafe { segment_size(&header.msg_hdr) } } else { 0 };
            (received, segment, name.as_ptr().cast())
        })
    }
}

/// A control buffer for an entry of a socket's error queue.
#[repr(C, align(8))]
pub struct ErrorRoom([MaybeUninit<u8>; 512]);

impl ErrorRoom {
    pub fn new() -> ErrorRoom {
        ErrorRoom([MaybeUninit::uninit(); 512])
    }
}

/// Removes an entry from the socket's error queue. Returns the error of an earlier datagram and the
/// address of the host that reported it, or NULL. Returns None for entries that are not errors.
///
/// # Safety
/// `buffer` is writable; it receives the start of the datagram.
pub unsafe fn take_queued_error(
    fd: c_int,
    buffer: &uv_buf_t,
    room: &mut ErrorRoom,
) -> Result<Option<(Error, *const sockaddr)>> {
    let mut vector = iovec { iov_base: buffer.base.cast(), iov_len: buffer.len };
    let mut header = message(ptr::null_mut(), 0, &raw mut vector, 1);
    header.msg_control = room.0.as_mut_ptr().cast();
    header.msg_controllen = room.0.len() as _;
    // SAFETY: as documented; the size is that of `room`.
    retry(|| cvt(unsafe { c::recvmsg(fd, &raw mut header, libc::MSG_ERRQUEUE) }))?;
    // SAFETY: the kernel has filled it in.
    Ok(unsafe { queued_error(&header) })
}

/// Returns the error in the control messages of an entry of the error queue, and the address in the buffer of the
/// host that reported it, or NULL.
///
/// # Safety
/// As for [`super::socket::controls`].
pub unsafe fn queued_error(message: &msghdr) -> Option<(Error, *const sockaddr)> {
    const SIZE: usize = size_of::<libc::sock_extended_err>();
    let is_error = |level, kind| {
        matches!(
            (level, kind),
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
        )
    };
    // SAFETY: as documented; any bytes are a value of these. An error is followed by an address, which may have
    // no family and is not longer than that of its family.
    unsafe {
        let control = super::socket::controls(message).find(|it| is_error(it.level, it.kind))?;
        let found = control.read::<libc::sock_extended_err>(0)?;
        let errno = c_int::try_from(found.ee_errno).ok().filter(|&errno| errno != 0)?;
        let size = match control.read::<libc::sa_family_t>(SIZE).map(c_int::from) {
            Some(libc::AF_INET) => size_of::<libc::sockaddr_in>(),
            Some(libc::AF_INET6) => size_of::<libc::sockaddr_in6>(),
            _ => usize::MAX,
        };
        let whole = SIZE.checked_add(size).is_some_and(|end| end <= control.length);
        let address = if whole { control.data.add(SIZE).cast() } else { ptr::null() };
        Some((Error::from_errno(errno), address))
    }
}
