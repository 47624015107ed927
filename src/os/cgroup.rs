//! The limits of the control groups that this process is in.
//!
//! With version 2 a process is in one group, whose path is the only line of `/proc/self/cgroup`:
//! `0::/path`. With version 1 there is a group for each controller: `4:memory:/path`. Like libuv, this
//! reads memory limits of both versions and CPU quotas of version 2.

use super::proc_text::{field, number, numbers};
use crate::memory::Array;
use crate::sys::host;
use core::ffi::CStr;

/// "No limit" in version 1: the largest number of whole pages.
const V1_UNLIMITED: u64 = i64::MAX.unsigned_abs() & !4095;

/// The groups of this process.
pub enum Groups {
    V1 { memory: Array<u8> },
    V2 { path: Array<u8> },
}

/// Memory limits in bytes; 0 if unknown.
pub struct MemoryLimits {
    /// The limit at which the kernel starts to reclaim memory.
    pub soft: u64,
    pub hard: u64,
}

impl MemoryLimits {
    pub fn lowest(&self) -> u64 {
        self.soft.min(self.hard)
    }
}

impl Groups {
    pub fn of_this_process() -> Option<Groups> {
        let mut buffer = [0; 1024];
        let text = host::read_file(c"/proc/self/cgroup", &mut buffer).ok()?;
        let (version_2, path) = parse(text);
        let mut copy = Array::new();
        copy.extend_from_slice(path).ok()?;
        Some(match version_2 {
            true => Groups::V2 { path: copy },
            false => Groups::V1 { memory: copy },
        })
    }

    pub fn memory_limits(&self) -> MemoryLimits {
        match self {
            Groups::V2 { path } => MemoryLimits {
                soft: v2_limit(path, "memory.high"),
                hard: v2_limit(path, "memory.max"),
            },
            Groups::V1 { memory } => {
                let limits = v1_limits(memory);
                // In a container the path is often that of the host, and the group is the root.
                if limits.lowest() == 0 {
                    v1_limits(b"")
                } else {
                    limits
                }
            }
        }
    }

    /// Returns the memory that the group uses, in bytes.
    pub fn memory_usage(&self) -> u64 {
        match self {
            Groups::V2 { path } => read_number(&[path, b"/memory.current"]),
            Groups::V1 { memory } => {
                match read_number(&[b"memory", memory, b"/memory.usage_in_bytes"]) {
                    0 => read_number(&[b"memory/memory.usage_in_bytes"]),
                    usage => usage,
                }
            }
        }
    }

    /// Returns how many CPUs the group may keep busy, rounded down: the lowest quota of the group and its
    /// ancestors. `None` if there is no quota.
    pub fn cpu_quota(&self) -> Option<u64> {
        let Groups::V2 { path } = self else { return None };
        read(&[path, b"/cgroup.controllers"], &mut [0; 1])?;
        let mut group: &[u8] = path;
        let mut lowest = None;
        loop {
            let quota = read(&[group, b"/cpu.max"], &mut [0; 64]).and_then(parse_quota);
            lowest = lowest.into_iter().chain(quota).min();
            let Some(parent) = group.iter().rposition(|&byte| byte == b'/') else { return lowest };
            group = &group[..parent];
        }
    }
}

/// Returns whether the text is of version 2, and the path of the group; with version 1, that of the
/// memory controller.
fn parse(text: &[u8]) -> (bool, &[u8]) {
    if let Some(path) = text.strip_prefix(b"0::") {
        return (true, path.split(|&byte| byte == b'\n').next().unwrap_or_default());
    }
    let memory = text.split(|&byte| byte == b'\n').find_map(|line| {
        let number_end = line.iter().position(|&byte| byte == b':')?;
        field(&line[number_end..], ":memory:")
    });
    (false, memory.unwrap_or_default())
}

/// Returns the number of whole CPUs in the text of `cpu.max`, a quota and a period in microseconds.
fn parse_quota(text: &[u8]) -> Option<u64> {
    let mut parts = numbers::<u64>(text);
    let (quota, period) = (parts.next()??, parts.next()??);
    quota.checked_div(period)
}

fn v1_limits(path: &[u8]) -> MemoryLimits {
    let limit = |file: &[u8]| match read_number(&[b"memory", path, file]) {
        V1_UNLIMITED.. => u64::MAX,
        limit => limit,
    };
    MemoryLimits {
        soft: limit(b"/memory.soft_limit_in_bytes"),
        hard: limit(b"/memory.limit_in_bytes"),
    }
}

fn v2_limit(path: &[u8], file: &str) -> u64 {
    match read(&[path, b"/", file.as_bytes()], &mut [0; 32]) {
        Some(b"max\n") => u64::MAX,
        text => text.and_then(number).unwrap_or(0),
    }
}

/// Reads the number in a file below `/sys/fs/cgroup`; 0 if there is none.
fn read_number(path: &[&[u8]]) -> u64 {
    read(path, &mut [0; 32]).and_then(number).unwrap_or(0)
}

/// Reads a file below `/sys/fs/cgroup`. The path comes in parts.
fn read<'a>(path: &[&[u8]], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut name = Array::new();
    name.extend_from_slice(b"/sys/fs/cgroup/").ok()?;
    for part in path {
        name.extend_from_slice(part).ok()?;
    }
    name.push(0).ok()?;
    host::read_file(CStr::from_bytes_with_nul(&name).ok()?, buffer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found() {
        assert_eq!(parse(b"0::/a/b\n"), (true, &b"/a/b"[..]));
        assert_eq!(parse(b"0::/"), (true, &b"/"[..]));
        let text = b"9:name=systemd:/x\n4:memory:/m\n3:cpu,cpuacct:/c\n0::/z\n";
        assert_eq!(parse(text), (false, &b"/m"[..]));
        assert_eq!(parse(b"4:hugetlb,memory:/m\n"), (false, &b""[..]));
        assert_eq!(parse(b"garbage"), (false, &b""[..]));
        assert_eq!(parse(b""), (false, &b""[..]));
    }

    #[test]
    fn quotas_are_rounded_down() {
        assert_eq!(parse_quota(b"199999 100000\n"), Some(1));
        assert_eq!(parse_quota(b"50000 100000"), Some(0));
        assert_eq!(parse_quota(b"max 100000\n"), None);
        assert_eq!(parse_quota(b"100000 0\n"), None);
        assert_eq!(parse_quota(b"100000\n"), None);
    }
}
