//! The descriptors of a process: sockets with their addresses, pipes, files.

use crate::process::proc_path;
use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry, UnixNetEntry, UnixState};
use procfs::process::Process;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Finds out what the descriptors of a process are. Reads the tables of its network namespace when they
/// are first needed.
pub struct Descriptors {
    pid: i32,
    /// The entries of the tables by inode.
    tcp: OnceCell<HashMap<u64, TcpNetEntry>>,
    udp: OnceCell<HashMap<u64, UdpNetEntry>>,
    unix: OnceCell<HashMap<u64, UnixNetEntry>>,
}

impl Descriptors {
    pub fn new(pid: i32) -> Descriptors {
        Descriptors { pid, tcp: OnceCell::new(), udp: OnceCell::new(), unix: OnceCell::new() }
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Returns what a descriptor is: `listening on 127.0.0.1:80`, `connected to …`, `/path`, `pipe`.
    pub fn describe(&self, fd: i32) -> Option<String> {
        let link = std::fs::read_link(proc_path(self.pid, "fd").join(fd.to_string())).ok()?;
        let link = link.to_string_lossy();
        if let Some(inode) = bracketed(&link, "socket:") {
            return Some(self.socket(inode).unwrap_or_else(|| "socket".to_owned()));
        }
        if bracketed(&link, "pipe:").is_some() {
            return Some(link.into_owned());
        }
        let name = link.strip_prefix("anon_inode:").unwrap_or(&link);
        Some(name.trim_matches(['[', ']']).to_owned())
    }

    fn socket(&self, inode: u64) -> Option<String> {
        self.tcp_socket(inode)
            .or_else(|| self.udp_socket(inode))
            .or_else(|| self.unix_socket(inode))
    }

    fn tcp_socket(&self, inode: u64) -> Option<String> {
        let table = self.tcp.get_or_init(|| {
            let Ok(process) = Process::new(self.pid) else { return HashMap::new() };
            let mut table = process.tcp().unwrap_or_default();
            table.extend(process.tcp6().unwrap_or_default());
            table.into_iter().map(|entry| (entry.inode, entry)).collect()
        });
        let entry = table.get(&inode)?;
        let (local, remote) = (plain(entry.local_address), plain(entry.remote_address));
        Some(match &entry.state {
            TcpState::Listen => format!("listening on {local}"),
            TcpState::SynSent => format!("connecting to {remote}"),
            TcpState::Established => format!("connected to {remote} from {local}"),
            TcpState::CloseWait => format!("{remote} has closed its side, from {local}"),
            TcpState::Close => format!("socket, not connected, {local}"),
            other => format!("{local} to {remote}, {other:?}"),
        })
    }

    fn udp_socket(&self, inode: u64) -> Option<String> {
        let table = self.udp.get_or_init(|| {
            let Ok(process) = Process::new(self.pid) else { return HashMap::new() };
            let mut table = process.udp().unwrap_or_default();
            table.extend(process.udp6().unwrap_or_default());
            table.into_iter().map(|entry| (entry.inode, entry)).collect()
        });
        let entry = table.get(&inode)?;
        let (local, remote) = (plain(entry.local_address), plain(entry.remote_address));
        if remote.port() == 0 {
            return Some(format!("bound to {local}"));
        }
        Some(format!("connected to {remote} from {local}"))
    }

    fn unix_socket(&self, inode: u64) -> Option<String> {
        let table = self.unix.get_or_init(|| {
            let table = Process::new(self.pid).and_then(|process| process.unix());
            table.unwrap_or_default().into_iter().map(|entry| (entry.inode, entry)).collect()
        });
        let entry = table.get(&inode)?;
        let path = entry.path.as_ref().map(|path| path.to_string_lossy().into_owned());
        Some(match (path, &entry.state) {
            (Some(path), UnixState::UNCONNECTED) => format!("bound to {path}"),
            (Some(path), _) => format!("connected through {path}"),
            (None, UnixState::UNCONNECTED) => "local socket, not connected".to_owned(),
            (None, _) => "connected local socket".to_owned(),
        })
    }
}

/// Returns the number in `name[number]`.
fn bracketed(link: &str, name: &str) -> Option<u64> {
    link.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Returns an IPv4 address where it is written as one of IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn describes_descriptors() -> std::io::Result<()> {
        let this = || Descriptors::new(std::process::id() as i32);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let (pair, _other) = UnixStream::pair()?;
        let file = std::fs::File::open("/proc/self/status")?;
        let describe = |fd: &dyn AsRawFd| this().describe(fd.as_raw_fd()).unwrap_or_default();
        assert_eq!(describe(&listener), format!("listening on {}", listener.local_addr()?));
        let ends = (client.peer_addr()?, client.local_addr()?);
        assert_eq!(describe(&client), format!("connected to {} from {}", ends.0, ends.1));
        assert_eq!(describe(&udp), format!("bound to {}", udp.local_addr()?));
        assert_eq!(describe(&pair), "connected local socket");
        assert!(describe(&file).ends_with("/status"));
        assert_eq!(this().describe(-1), None);
        Ok(())
    }
}
