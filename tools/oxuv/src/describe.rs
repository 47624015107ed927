//! Descriptions of handles, requests and callbacks in words.

use crate::descriptors::Descriptors;
use crate::layout::{current, flag, Callback};
use crate::library::{Handle, Library, Loop, Work};
use crate::names::{self, bytes, count, duration};
use crate::process::{field, inner_id, proc_path, Memory, Read};
use crate::symbols::Symbols;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest path or name that is read.
const TEXT: usize = 4096;
const MS: u64 = 1_000_000;

/// The context for describing the objects of one copy of the library.
pub struct Describer<'a> {
    pub library: &'a Library<'a>,
    pub symbols: &'a Symbols,
    /// Missing for a core file.
    pub descriptors: Option<&'a Descriptors>,
    /// The time, CLOCK_MONOTONIC of the process in nanoseconds.
    pub now: u64,
}

/// A handle in words.
#[derive(Clone, Debug)]
pub struct HandleText {
    pub handle: Handle,
    pub what: String,
    /// The address of the function that will be called, or 0.
    pub function: u64,
    pub fd: Option<i32>,
    /// Bytes that wait to be written.
    pub queued: u64,
}

/// A request in words.
#[derive(Clone, Debug)]
pub struct RequestText {
    pub at: u64,
    pub kind: &'static str,
    pub what: String,
    pub function: u64,
    /// When it began, in nanoseconds; 0 if that is unknown.
    pub began: u64,
}

/// The activity of a loop's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Now {
    /// The loop does not run.
    Stopped,
    /// It waits for events since then, in nanoseconds.
    Waiting(u64),
    /// It runs code of the library.
    Library,
    /// It runs a callback of this kind, of this object.
    Callback { kind: &'static str, object: u64, function: u64 },
}

impl Describer<'_> {
    fn memory(&self) -> &dyn Memory {
        self.library.memory
    }

    fn pointer(&self, at: u64, offset: u32) -> Read<u64> {
        self.memory().u64(field(at, offset))
    }

    /// Reads the string that a pointer points to; nothing if it is NULL.
    fn string(&self, at: u64, offset: u32) -> Read<Option<String>> {
        match self.pointer(at, offset)? {
            0 => Ok(None),
            text => self.memory().text(text, TEXT).map(Some),
        }
    }

    fn fd(&self, at: u64, offset: u32) -> Read<Option<i32>> {
        let fd = self.memory().i32(field(at, offset))?;
        Ok((fd >= 0).then_some(fd))
    }

    /// Describes a descriptor by what the kernel says, or by its number.
    fn descriptor(&self, fd: i32) -> String {
        let known = self.descriptors.and_then(|descriptors| descriptors.describe(fd));
        known.unwrap_or_else(|| format!("descriptor {fd}"))
    }

    /// Returns the text for an address that the kernel has no name for.
    pub fn name(&self, function: u64) -> String {
        self.symbols.name(function)
    }

    // ---- handles ------------------------------------------------------------------------------

    /// Describes a handle.
    pub fn handle(&self, handle: Handle) -> Read<HandleText> {
        let offsets = self.library.offsets();
        let at = handle.at;
        let mut text = HandleText { handle, what: String::new(), function: 0, fd: None, queued: 0 };
        text.function = self.pointer(at, self.callback_offset(handle))?;
        match handle.kind {
            names::handle::TCP | names::handle::PIPE | names::handle::TTY => {
                self.stream(handle, &mut text)?;
            }
            names::handle::UDP => self.udp(handle, &mut text)?,
            names::handle::TIMER if handle.flags & flag::ACTIVE == 0 => {
                text.what = "stopped".to_owned();
            }
            names::handle::TIMER => text.what = self.timer(at)?,
            names::handle::ASYNC => text.what = "can be woken by other threads".to_owned(),
            names::handle::IDLE => {
                text.what = "called in each iteration, so the loop does not wait".to_owned();
            }
            names::handle::PREPARE | names::handle::CHECK => {
                text.what = "called in each iteration".to_owned();
            }
            names::handle::POLL => {
                text.fd = self.fd(at, offsets.poll.fd)?;
                let bits = self.memory().u32(field(at, offsets.poll.events))? & 0xffff;
                let file = text.fd.map_or_else(|| "closed".to_owned(), |fd| self.descriptor(fd));
                text.what = format!("waits until {file} is {}", poll_events(bits));
            }
            names::handle::SIGNAL => {
                let number = self.memory().i32(field(at, offsets.signal.signum))?;
                text.what = match number {
                    0 => "stopped".to_owned(),
                    number => format!("waits for {}", names::signal(number)),
                };
            }
            names::handle::PROCESS => text.what = self.child(at)?,
            names::handle::FS_EVENT => {
                let path = self.string(at, offsets.fs_event.path)?;
                text.what = path.map_or("stopped".to_owned(), |path| format!("watching {path}"));
            }
            names::handle::FS_POLL => self.fs_poll(at, &mut text)?,
            _ => {}
        }
        Ok(text)
    }

    /// Returns the offset of the callback that a handle calls.
    fn callback_offset(&self, handle: Handle) -> u32 {
        let offsets = self.library.offsets();
        match handle.kind {
            _ if handle.flags & flag::CLOSING != 0 => offsets.handle.close_cb,
            names::handle::TCP | names::handle::PIPE | names::handle::TTY => {
                match handle.flags & flag::LISTENING {
                    0 => offsets.stream.read_cb,
                    _ => offsets.stream.connection_cb,
                }
            }
            names::handle::UDP => offsets.udp.recv_cb,
            names::handle::TIMER => offsets.timer.callback,
            names::handle::ASYNC => offsets.async_.callback,
            names::handle::IDLE | names::handle::PREPARE | names::handle::CHECK => {
                offsets.loop_watcher.callback
            }
            names::handle::POLL => offsets.poll.callback,
            names::handle::SIGNAL => offsets.signal.callback,
            names::handle::PROCESS => offsets.process.callback,
            names::handle::FS_EVENT => offsets.fs_event.callback,
            _ => offsets.handle.close_cb,
        }
    }

    fn stream(&self, handle: Handle, text: &mut HandleText) -> Read {
        let fields = &self.library.offsets().stream;
        text.fd = self.fd(handle.at, fields.fd)?;
        text.queued = self.pointer(handle.at, fields.write_queue_size)?;
        let mut what = match text.fd {
            None => "not open".to_owned(),
            Some(fd) => self.descriptor(fd),
        };
        if handle.flags & flag::LISTENING != 0 {
            what = what.replacen("bound to", "listening on", 1);
            if self.memory().i32(field(handle.at, fields.accepted_fd))? >= 0 {
                what += ", a connection waits for uv_accept";
            }
        } else if text.fd.is_some() && handle.flags & flag::READING != 0 {
            what += ", reading";
        } else if text.fd.is_some() {
            what += ", not reading";
        }
        if text.queued > 0 {
            let writes = self.writes(handle.at)?;
            let oldest = match writes.first() {
                Some(&at) => self.age(self.began(at, names::request::WRITE)?),
                None => None,
            };
            what += &format!(
                ", {} wait to be written in {}",
                bytes(text.queued),
                count(writes.len(), "write")
            );
            if let Some(age) = oldest {
                what += &format!(", the oldest for {}", duration(age));
            }
        }
        text.what = what;
        Ok(())
    }

    fn udp(&self, handle: Handle, text: &mut HandleText) -> Read {
        let fields = &self.library.offsets().udp;
        text.fd = self.fd(handle.at, fields.fd)?;
        text.queued = self.pointer(handle.at, fields.send_queue_size)?;
        text.what = text.fd.map_or_else(|| "not open".to_owned(), |fd| self.descriptor(fd));
        if text.queued > 0 {
            let number = self.pointer(handle.at, fields.send_queue_count)?;
            let datagrams = count(number as usize, "datagram");
            text.what += &format!(", {} wait to be sent in {datagrams}", bytes(text.queued));
        }
        Ok(())
    }

    fn timer(&self, at: u64) -> Read<String> {
        let fields = &self.library.offsets().timer;
        let due = self.pointer(at, fields.due)?.saturating_mul(MS);
        let repeat = self.pointer(at, fields.repeat)?;
        let mut text = match due.checked_sub(self.now) {
            Some(left) => format!("due in {}", duration(left)),
            None => format!("overdue by {}", duration(self.now - due)),
        };
        if repeat > 0 {
            text += &format!(", repeating every {}", duration(repeat.saturating_mul(MS)));
        }
        Ok(text)
    }

    fn child(&self, at: u64) -> Read<String> {
        let pid = self.memory().i32(field(at, self.library.offsets().process.pid))?;
        let name = self.descriptors.and_then(|it| child_name(it.pid(), pid));
        Ok(name.map_or_else(|| format!("child {pid}"), |name| format!("child {pid}, {name}")))
    }

    fn fs_poll(&self, at: u64, text: &mut HandleText) -> Read {
        let fields = &self.library.offsets().fs_poll;
        let context = self.pointer(at, fields.context)?;
        if context == 0 {
            text.what = "stopped".to_owned();
            return Ok(());
        }
        text.function = self.pointer(context, fields.callback)?;
        let path = self.string(context, fields.path)?.unwrap_or_default();
        text.what = format!("polling {path}");
        Ok(())
    }

    // ---- requests -----------------------------------------------------------------------------

    /// Returns when a request began, in nanoseconds; 0 if that is unknown.
    fn began(&self, at: u64, kind: u32) -> Read<u64> {
        let offsets = self.library.offsets();
        let work = match kind {
            names::request::CONNECT | names::request::SHUTDOWN => {
                let began = self.pointer(at, offsets.request.began)?.saturating_mul(MS);
                return Ok(if began <= self.now { began } else { 0 });
            }
            names::request::WRITE => {
                let began = self.memory().u32(field(at, offsets.write.began))?;
                return Ok(self.extend(began));
            }
            names::request::FS => offsets.fs.work,
            names::request::WORK => offsets.user_work.work,
            names::request::GETADDRINFO => offsets.getaddrinfo.work,
            names::request::GETNAMEINFO => offsets.getnameinfo.work,
            names::request::RANDOM => offsets.random.work,
            _ => return Ok(0),
        };
        let work = field(at, work);
        Ok(self.extend(self.memory().u32(field(work, offsets.work.began))?))
    }

    /// Returns the moment, in nanoseconds, of which these are the lowest bits in milliseconds; 0 for 0.
    fn extend(&self, low: u32) -> u64 {
        let now = self.now / MS;
        let passed = (now as u32).wrapping_sub(low);
        // The loop's time may be a little ahead of the moment of reading.
        let passed = if passed > u32::MAX - 1000 { 0 } else { passed };
        if low == 0 {
            0
        } else {
            now.saturating_sub(u64::from(passed)).saturating_mul(MS)
        }
    }

    /// Returns how long ago a moment was.
    pub fn age(&self, moment: u64) -> Option<u64> {
        (moment > 0).then(|| self.now.saturating_sub(moment))
    }

    /// Returns the write requests of a stream that wait.
    fn writes(&self, stream: u64) -> Read<Vec<u64>> {
        let offsets = self.library.offsets();
        let head = field(stream, offsets.stream.write_queue);
        self.library.requests(head, offsets.write.link)
    }

    /// Describes the requests of a stream or UDP handle.
    pub fn requests_of(&self, handle: Handle, found: &mut Vec<RequestText>) -> Read {
        let offsets = self.library.offsets();
        match handle.kind {
            names::handle::TCP | names::handle::PIPE | names::handle::TTY => {
                let mut requests = self.writes(handle.at)?;
                let written = field(handle.at, offsets.stream.written);
                requests.extend(self.library.requests(written, offsets.write.link)?);
                requests.push(self.pointer(handle.at, offsets.stream.connect_request)?);
                requests.push(self.pointer(handle.at, offsets.stream.shutdown_request)?);
                for at in requests.into_iter().filter(|&at| at != 0) {
                    found.push(self.request(at)?);
                }
            }
            names::handle::UDP => {
                for list in [offsets.udp.unsent, offsets.udp.sent] {
                    let head = field(handle.at, list);
                    for at in self.library.requests(head, offsets.send.link)? {
                        found.push(self.request(at)?);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Describes what the pool works at. It may be no request, but a path that is polled.
    pub fn work(&self, work: Work) -> Read<RequestText> {
        if work.callback == Callback::FsPoll as u8 {
            let fields = &self.library.offsets().fs_poll;
            let path = self.string(work.object, fields.path)?.unwrap_or_default();
            return Ok(RequestText {
                at: work.object,
                kind: "fs_poll",
                what: format!("stat {path}"),
                function: self.pointer(work.object, fields.callback)?,
                began: 0,
            });
        }
        self.request(work.object)
    }

    /// Describes a request.
    pub fn request(&self, at: u64) -> Read<RequestText> {
        let offsets = self.library.offsets();
        let kind = self.memory().u32(field(at, offsets.request.kind))?;
        let (offset, what) = match kind {
            names::request::CONNECT => (offsets.connect.callback, self.peer(at)?),
            names::request::SHUTDOWN => (offsets.shutdown.callback, String::new()),
            names::request::WRITE => (offsets.write.callback, self.write_size(at)?),
            names::request::UDP_SEND => (offsets.send.callback, self.send(at)?),
            names::request::FS => (offsets.fs.callback, self.operation(at)?),
            names::request::WORK => (offsets.user_work.after_work_cb, self.user_work(at)?),
            names::request::GETADDRINFO => (offsets.getaddrinfo.callback, self.query(at)?),
            names::request::GETNAMEINFO => {
                let address = field(at, offsets.getnameinfo.address);
                (offsets.getnameinfo.callback, self.address(address)?)
            }
            names::request::RANDOM => {
                let length = self.pointer(at, offsets.random.length)?;
                (offsets.random.callback, bytes(length))
            }
            _ => (offsets.request.kind, String::new()),
        };
        let function = if what.is_empty() && offset == offsets.request.kind {
            0
        } else {
            self.pointer(at, offset)?
        };
        let began = self.began(at, kind)?;
        Ok(RequestText { at, kind: names::request_type(kind), what, function, began })
    }

    fn peer(&self, at: u64) -> Read<String> {
        let offsets = self.library.offsets();
        let stream = self.pointer(at, offsets.connect.stream)?;
        let fd = self.fd(stream, offsets.stream.fd)?;
        Ok(fd.map_or_else(String::new, |fd| self.descriptor(fd)))
    }

    fn write_size(&self, at: u64) -> Read<String> {
        let fields = &self.library.offsets().write;
        let first = self.memory().u32(field(at, fields.index))?;
        let end = self.memory().u32(field(at, fields.count))?;
        let buffers = self.pointer(at, fields.buffers)?;
        // A `uv_buf_t` is a pointer and a length.
        let mut size = 0u64;
        for index in (first..end).take(1024) {
            let length = self.memory().u64(buffers.wrapping_add(16 * u64::from(index) + 8))?;
            size = size.saturating_add(length);
        }
        Ok(bytes(size))
    }

    fn send(&self, at: u64) -> Read<String> {
        let fields = &self.library.offsets().send;
        let size = self.pointer(at, fields.size)?;
        if self.memory().u32(field(at, fields.address_length))? == 0 {
            return Ok(bytes(size));
        }
        Ok(format!("{} to {}", bytes(size), self.address(field(at, fields.address))?))
    }

    fn operation(&self, at: u64) -> Read<String> {
        let fields = &self.library.offsets().fs;
        let operation = self.memory().i32(field(at, fields.operation))?;
        let mut text = names::operation(operation).to_owned();
        let path = self.string(at, fields.path)?;
        let new_path = self.string(at, fields.new_path)?;
        match (path, new_path) {
            (Some(path), Some(new_path)) => text += &format!(" {path} to {new_path}"),
            (Some(path), None) => text += &format!(" {path}"),
            (None, _) => {
                let fd = self.fd(at, fields.file)?;
                text += &fd.map_or_else(String::new, |fd| format!(" {}", self.descriptor(fd)));
            }
        }
        Ok(text)
    }

    fn user_work(&self, at: u64) -> Read<String> {
        let function = self.pointer(at, self.library.offsets().user_work.work_cb)?;
        Ok(self.name(function))
    }

    fn query(&self, at: u64) -> Read<String> {
        let fields = &self.library.offsets().getaddrinfo;
        let host = self.string(at, fields.host)?.unwrap_or_default();
        let service = self.string(at, fields.service)?;
        Ok(service.map_or_else(|| host.clone(), |service| format!("{host}:{service}")))
    }

    /// Reads a `sockaddr`.
    fn address(&self, at: u64) -> Read<String> {
        let start = self.memory().bytes(at, 24)?;
        let port = u16::from_be_bytes([start[2], start[3]]);
        let ip: IpAddr = match i32::from(u16::from_ne_bytes([start[0], start[1]])) {
            libc::AF_INET => Ipv4Addr::new(start[4], start[5], start[6], start[7]).into(),
            libc::AF_INET6 => {
                let ip: [u8; 16] = start[8..].try_into().unwrap_or_default();
                Ipv6Addr::from(ip).into()
            }
            _ => return Ok("unknown address".to_owned()),
        };
        Ok(SocketAddr::new(ip, port).to_string())
    }

    // ---- what runs ----------------------------------------------------------------------------

    /// Returns what the thread of a loop does.
    pub fn now(&self, of: Loop) -> Read<Now> {
        let offsets = self.library.offsets();
        if self.memory().u8(field(of.state, offsets.state.running))? == 0 {
            return Ok(Now::Stopped);
        }
        let word = self.pointer(of.at, offsets.event_loop.current)?;
        let object = word & !current::TAG;
        match word & current::TAG {
            current::WAITING => {
                return Ok(Now::Waiting((word >> current::SHIFT).saturating_mul(MS)));
            }
            _ if word == 0 => {}
            // The object may be freed by now.
            tag => return Ok(self.running(tag, object).unwrap_or(Now::Library)),
        }
        let fields = &offsets.event_loop;
        for (kind, field) in
            [("idle", fields.idle), ("prepare", fields.prepare), ("check", fields.check)]
        {
            let word = self.pointer(of.at, field)?;
            if word & 1 != 0 {
                return Ok(Now::Callback { kind, object: 0, function: 0 });
            }
            if word != 0 {
                let object = word.wrapping_sub(u64::from(offsets.loop_watcher.link));
                let function = self.pointer(object, offsets.loop_watcher.callback)?;
                return Ok(Now::Callback { kind, object, function });
            }
        }
        let watcher = self.pointer(of.state, offsets.state.watcher)?;
        Ok(self.watched(of, watcher).unwrap_or(Now::Library))
    }

    /// Returns the callback of the handle whose watcher this is.
    fn watched(&self, of: Loop, watcher: u64) -> Option<Now> {
        use names::handle::{PIPE, POLL, TCP, TTY, UDP};
        let offsets = self.library.offsets();
        let places = [offsets.stream.watcher, offsets.udp.watcher, offsets.poll.watcher];
        let kinds: [&[u32]; 3] = [&[TCP, PIPE, TTY], &[UDP], &[POLL]];
        places.into_iter().zip(kinds).find_map(|(place, kinds)| {
            let at = watcher.checked_sub(u64::from(place)).filter(|&at| at > 0)?;
            let handle = self.library.handle(at).ok()?;
            let is_ours = self.pointer(at, offsets.handle.loop_) == Ok(of.at);
            if !is_ours || !kinds.contains(&handle.kind) {
                return None;
            }
            self.running(current::HANDLE, at).ok()
        })
    }

    fn running(&self, tag: u64, object: u64) -> Read<Now> {
        let offsets = self.library.offsets();
        if tag == current::REQUEST {
            let request = self.request(object)?;
            let (kind, function) = (request.kind, request.function);
            return Ok(Now::Callback { kind, object, function });
        }
        let handle = self.library.handle(object)?;
        let is_udp = handle.kind == names::handle::UDP;
        let (kind, offset) = match tag {
            current::ALLOC if is_udp => ("alloc", offsets.udp.alloc_cb),
            current::ALLOC => ("alloc", offsets.stream.alloc_cb),
            current::CLOSE => ("close", offsets.handle.close_cb),
            current::CONNECTION => ("connection", offsets.stream.connection_cb),
            current::WALK => return Ok(Now::Callback { kind: "walk", object, function: 0 }),
            // A callback may close its handle.
            _ => {
                let open = Handle { flags: handle.flags & !flag::CLOSING, ..handle };
                (names::handle_type(handle.kind), self.callback_offset(open))
            }
        };
        Ok(Now::Callback { kind, object, function: self.pointer(object, offset)? })
    }
}

/// Returns the words for epoll's bits.
fn poll_events(bits: u32) -> String {
    let names = [
        (libc::EPOLLIN, "readable"),
        (libc::EPOLLOUT, "writable"),
        (libc::EPOLLRDHUP, "disconnected"),
        (libc::EPOLLPRI, "urgent"),
    ];
    let set = names.iter().filter(|(bit, _)| bits & *bit as u32 != 0).map(|(_, name)| *name);
    let text = set.collect::<Vec<_>>().join(" or ");
    if text.is_empty() {
        "ready".to_owned()
    } else {
        text
    }
}

/// Returns the name of a child that the process that is looked at knows under this number.
fn child_name(parent: i32, pid: i32) -> Option<String> {
    let tasks = std::fs::read_dir(proc_path(parent, "task")).ok()?.flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<i32> =
        lists.flat_map(|list| list.split(' ').flat_map(str::parse).collect::<Vec<_>>()).collect();
    let status = children.into_iter().find_map(|child| {
        let status = std::fs::read_to_string(proc_path(child, "status")).ok()?;
        (inner_id(&status)? == pid).then_some(status)
    })?;
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let ended = if field("State:").trim_start().starts_with('Z') { " (has ended)" } else { "" };
    Some(format!("{}{ended}", field("Name:").trim_start()))
}
