//! The limits of the control groups that this process is in.
//!
//! With version 2 a process is in one group, whose path is the only line of `/proc/self/cgroup`:
//! `0::/path`. With version 1 there is a group for each controller: `4:memory:/path`. The limits of a
//! group hold for the groups below it. Like libuv, this expects the files below `/sys/fs/cgroup`, where
//! version 1 has a directory for each controller.

use super::proc_text::{number, numbers};
use crate::memory::Array;
use crate::sys::host;
use core::ffi::CStr;

/// "No limit" in version 1: the largest number of whole pages.
const V1_UNLIMITED: u64 = i64::MAX.unsigned_abs() & !4095;

/// The size of the longest path that the kernel opens, with its NUL.
const PATH_MAX: usize = 4096;

/// The groups of this process.
pub struct Groups {
    /// The directory of the control groups.
    root: &'static str,
    paths: Paths,
}

enum Paths {
    V1 { memory: Array<u8>, cpu: Array<u8> },
    V2(Array<u8>),
}

impl Groups {
    pub fn of_this_process() -> Option<Groups> {
        // With version 1 in a container this is often more than a page.
        let text = host::read_whole_file(c"/proc/self/cgroup").ok()?;
        Groups::parse(&text, "/sys/fs/cgroup")
    }

    /// Parses the text of `/proc/self/cgroup`.
    fn parse(text: &[u8], root: &'static str) -> Option<Groups> {
        let copy = |path: &[u8]| {
            let mut copy = Array::new();
            copy.extend_from_slice(path).ok().map(|()| copy)
        };
        let paths = match text.strip_prefix(b"0::") {
            Some(path) => Paths::V2(copy(path.split(|&byte| byte == b'\n').next()?)?),
            None => Paths::V1 {
                memory: copy(v1_path(text, b"memory"))?,
                cpu: copy(v1_path(text, b"cpu"))?,
            },
        };
        Some(Groups { root, paths })
    }

    /// Returns the lowest memory limit of the group and its ancestors, in bytes: `u64::MAX` if there is
    /// none, 0 if nothing is known.
    pub fn memory_limit(&self) -> u64 {
        self.memory_limits().map(|(_, limit)| limit).min().unwrap_or(0)
    }

    /// Returns how much memory the process may still use, in bytes: the least that is left in the group
    /// or an ancestor. Limits above `total` have no effect; `None` if there is no other.
    pub fn available_memory(&self, total: u64) -> Option<u64> {
        self.memory_limits()
            .filter(|&(_, limit)| limit <= total)
            .map(|(group, limit)| limit.saturating_sub(self.memory_usage(group)))
            .min()
    }

    /// Returns the groups whose limit is known, with the limit.
    fn memory_limits(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let (Paths::V1 { memory: path, .. } | Paths::V2(path)) = &self.paths;
        let mut found = false;
        levels(path).filter_map(move |group| {
            // In a container the path is often that of the host. Then the root is our own group.
            if found && !self.counts_children(group) {
                return None;
            }
            let limit = self.memory_limit_of(group);
            found |= limit != 0;
            (limit != 0).then_some((group, limit))
        })
    }

    /// Returns whether the memory of the groups below counts too, which version 1 can switch off.
    fn counts_children(&self, group: &[u8]) -> bool {
        let Paths::V1 { .. } = self.paths else { return true };
        let file = [b"/memory", group, b"/memory.use_hierarchy"];
        self.read(&file, &mut [0; 32]).and_then(number) != Some(0)
    }

    /// Returns the limit of one group: that at which the kernel starts to reclaim memory or the hard one,
    /// whichever is lower. 0 if one of them is unknown.
    fn memory_limit_of(&self, group: &[u8]) -> u64 {
        let v1 = |file: &[u8]| match self.read_number(&[b"/memory", group, file]) {
            V1_UNLIMITED.. => u64::MAX,
            limit => limit,
        };
        let v2 = |file: &[u8]| match self.read(&[group, file], &mut [0; 32]) {
            Some(b"max\n") => u64::MAX,
            text => text.and_then(number).unwrap_or(0),
        };
        match self.paths {
            Paths::V1 { .. } => {
                v1(b"/memory.soft_limit_in_bytes").min(v1(b"/memory.limit_in_bytes"))
            }
            Paths::V2(_) => v2(b"/memory.high").min(v2(b"/memory.max")),
        }
    }

    /// Returns the memory that a group uses, in bytes.
    fn memory_usage(&self, group: &[u8]) -> u64 {
        match self.paths {
            Paths::V1 { .. } => self.read_number(&[b"/memory", group, b"/memory.usage_in_bytes"]),
            Paths::V2(_) => self.read_number(&[group, b"/memory.current"]),
        }
    }

    /// Returns how many CPUs the group may keep busy, rounded down: the lowest quota of the group and its
    /// ancestors. `None` if there is no quota.
    pub fn cpu_quota(&self) -> Option<u64> {
        match &self.paths {
            Paths::V1 { cpu, .. } => levels(cpu).filter_map(|group| self.v1_quota(group)).min(),
            Paths::V2(path) => {
                self.read(&[path, b"/cgroup.controllers"], &mut [0; 1])?;
                let quota = |group: &[u8]| {
                    self.read(&[group, b"/cpu.max"], &mut [0; 64]).and_then(parse_quota)
                };
                levels(path).filter_map(quota).min()
            }
        }
    }

    fn v1_quota(&self, group: &[u8]) -> Option<u64> {
        // A quota of -1 is none, and is no number here.
        let value = |file| self.read(&[b"/cpu", group, file], &mut [0; 32]).and_then(number);
        value(b"/cpu.cfs_quota_us")?.checked_div(value(b"/cpu.cfs_period_us")?)
    }

    /// Reads the number in a file; 0 if there is none.
    fn read_number(&self, path: &[&[u8]]) -> u64 {
        self.read(path, &mut [0; 32]).and_then(number).unwrap_or(0)
    }

    /// Reads a file below the root. The path comes in parts.
    fn read<'a>(&self, path: &[&[u8]], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        // A path that cannot be opened may have any number of levels.
        let length =
            path.iter().fold(self.root.len() + 1, |sum, part| sum.saturating_add(part.len()));
        if length > PATH_MAX {
            return None;
        }
        let mut name = Array::new();
        name.extend_from_slice(self.root.as_bytes()).ok()?;
        for part in path {
            name.extend_from_slice(part).ok()?;
        }
        name.push(0).ok()?;
        host::read_file(CStr::from_bytes_with_nul(&name).ok()?, buffer).ok()
    }
}

/// Returns the group and its ancestors. The last is the root, an empty path.
fn levels(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::successors(Some(path), |group| {
        group.iter().rposition(|&byte| byte == b'/').map(|end| &group[..end])
    })
}

/// Returns the path of the controller's group from a line such as `3:cpu,cpuacct:/path`; empty if there
/// is none.
fn v1_path<'a>(text: &'a [u8], controller: &[u8]) -> &'a [u8] {
    let path = text.split(|&byte| byte == b'\n').find_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers.split(|&byte| byte == b',').any(|name| name == controller).then_some(path)
    });
    path.unwrap_or_default()
}

/// Returns the number of whole CPUs in the text of `cpu.max`, a quota and a period in microseconds.
fn parse_quota(text: &[u8]) -> Option<u64> {
    let mut parts = numbers::<u64>(text);
    let (quota, period) = (parts.next()??, parts.next()??);
    quota.checked_div(period)
}

/// For the fuzz target.
#[cfg(any(test, fuzzing))]
pub fn parse_all(text: &[u8]) {
    // A group far down would take a system call for each level.
    if let Some(groups) = Groups::parse(text, "/nonexistent").filter(|_| text.len() < 64) {
        assert_eq!(groups.memory_limit(), 0);
        assert_eq!(groups.available_memory(u64::MAX), None);
        assert_eq!(groups.cpu_quota(), None);
    }
    levels(text).for_each(|level| assert!(text.starts_with(level)));
    let _ = (parse_quota(text), number(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up directory of control groups, removed when it is dropped.
    struct Tree(&'static str);

    impl Tree {
        fn new(name: &str, files: &[(&str, &str)]) -> Tree {
            let name = format!("oxuv-cgroup-{name}-{}", std::process::id());
            let root = std::env::temp_dir().join(name);
            for (file, text) in files {
                let file = root.join(file);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, format!("{text}\n")).unwrap();
            }
            Tree(root.to_str().unwrap().to_owned().leak())
        }

        fn groups(&self, text: &str) -> Groups {
            Groups::parse(text.as_bytes(), self.0).unwrap()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            std::fs::remove_dir_all(self.0).unwrap();
        }
    }

    #[test]
    fn groups_are_found() {
        let paths = |text: &[u8]| match Groups::parse(text, "").unwrap().paths {
            Paths::V1 { memory, cpu } => (memory.to_vec(), cpu.to_vec()),
            Paths::V2(path) => (path.to_vec(), b"v2".to_vec()),
        };
        let expected = |memory: &str, cpu: &str| (memory.into(), cpu.into());
        assert_eq!(paths(b"0::/a/b\n"), expected("/a/b", "v2"));
        assert_eq!(paths(b"0::/"), expected("/", "v2"));
        let text = b"9:name=systemd:/x\n4:memory:/m:n\n3:cpu,cpuacct:/c\n0::/z\n";
        assert_eq!(paths(text), expected("/m:n", "/c"));
        assert_eq!(
            paths(b"4:hugetlb,memory:/m\n2:cpuset:/s\n1:cpuacct,cpu:/"),
            expected("/m", "/")
        );
        assert_eq!(paths(b"garbage"), expected("", ""));
        assert_eq!(paths(b""), expected("", ""));
    }

    #[test]
    fn levels_end_at_the_root() {
        assert!(levels(b"/a/b").eq([&b"/a/b"[..], b"/a", b""]));
        assert!(levels(b"/").eq([&b"/"[..], b""]));
        assert!(levels(b"").eq([b""]));
    }

    #[test]
    fn quotas_are_rounded_down() {
        assert_eq!(parse_quota(b"199999 100000\n"), Some(1));
        assert_eq!(parse_quota(b"50000 100000"), Some(0));
        assert_eq!(parse_quota(b"max 100000\n"), None);
        assert_eq!(parse_quota(b"100000 0\n"), None);
        assert_eq!(parse_quota(b"100000\n"), None);
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_lowest_memory_limit_of_version_2_counts() {
        let tree = Tree::new(
            "v2",
            &[
                ("a/memory.max", "5000"),
                ("a/memory.high", "max"),
                ("a/memory.current", "4500"),
                ("a/b/memory.max", "3000"),
                ("a/b/memory.high", "2000"),
                ("a/b/memory.current", "100"),
                ("a/b/c/memory.max", "max"),
                ("a/b/c/memory.high", "max"),
            ],
        );
        let groups = tree.groups("0::/a/b/c\n");
        assert_eq!(groups.memory_limit(), 2000);
        // Less is left of the higher limit.
        assert_eq!(groups.available_memory(10_000), Some(500));
        assert_eq!(groups.available_memory(4_000), Some(1900));
        assert_eq!(groups.available_memory(1_000), None);
        // A group without the controller, the root, and a group that is not there.
        assert_eq!(tree.groups("0::/a/x/y\n").memory_limit(), 5000);
        assert_eq!(tree.groups("0::/\n").memory_limit(), 0);
        assert_eq!(tree.groups("0::/x\n").available_memory(10_000), None);
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_lowest_memory_limit_of_version_1_counts() {
        let tree = Tree::new(
            "v1",
            &[
                ("memory/memory.limit_in_bytes", "900"),
                ("memory/memory.soft_limit_in_bytes", "9223372036854771712"),
                ("memory/memory.usage_in_bytes", "850"),
                ("memory/memory.use_hierarchy", "0"),
                ("memory/a/memory.limit_in_bytes", "5000"),
                ("memory/a/memory.soft_limit_in_bytes", "9223372036854771712"),
                ("memory/a/memory.usage_in_bytes", "4000"),
                ("memory/a/memory.use_hierarchy", "1"),
                ("memory/a/b/memory.limit_in_bytes", "9223372036854771712"),
                ("memory/a/b/memory.soft_limit_in_bytes", "9223372036854771712"),
            ],
        );
        let groups = tree.groups("4:memory:/a/b\n");
        // The root does not count the groups below it.
        assert_eq!(groups.memory_limit(), 5000);
        assert_eq!(groups.available_memory(10_000), Some(1000));
        // The path of the host, in a container.
        let groups = tree.groups("4:memory:/docker/1\n");
        assert_eq!(groups.memory_limit(), 900);
        assert_eq!(groups.available_memory(10_000), Some(50));
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_lowest_quota_counts() {
        let tree = Tree::new(
            "quota",
            &[
                ("cpu/a/cpu.cfs_quota_us", "250000"),
                ("cpu/a/cpu.cfs_period_us", "100000"),
                ("cpu/a/b/cpu.cfs_quota_us", "-1"),
                ("cpu/a/b/cpu.cfs_period_us", "100000"),
                ("cpu/a/c/cpu.cfs_quota_us", "100000"),
                ("cpu/a/c/cpu.cfs_period_us", "0"),
                ("a/cpu.max", "300000 100000"),
                ("a/b/cpu.max", "max 100000"),
                ("a/b/cgroup.controllers", "cpu"),
            ],
        );
        assert_eq!(tree.groups("3:cpu,cpuacct:/a/b\n").cpu_quota(), Some(2));
        assert_eq!(tree.groups("3:cpuacct,cpu:/a/c\n").cpu_quota(), Some(2));
        assert_eq!(tree.groups("3:cpu:/\n").cpu_quota(), None);
        assert_eq!(tree.groups("3:cpuset:/a/b\n").cpu_quota(), None);
        assert_eq!(tree.groups("0::/a/b\n").cpu_quota(), Some(3));
    }
}
