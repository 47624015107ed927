//! The amount of memory: total, free, and limits.

use super::cgroup::Groups;
use super::proc_text::{field, number};
use crate::sys::{host, process};

/// Returns a field of `/proc/meminfo`, in bytes.
fn memory_info(key: &str) -> Option<u64> {
    let mut buffer = [0; 4096];
    let text = host::read_file(c"/proc/meminfo", &mut buffer).ok()?;
    field(text, key).and_then(number)?.checked_mul(1024)
}

/// Returns the free memory in bytes, including caches that the kernel can reclaim; 0 if unknown.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_free_memory>.
#[no_mangle]
pub extern "C" fn uv_get_free_memory() -> u64 {
    memory_info("MemAvailable:").unwrap_or_else(|| {
        host::info().map_or(0, |info| info.freeram.saturating_mul(u64::from(info.mem_unit)))
    })
}

/// Returns the memory of the system in bytes; 0 if unknown.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_total_memory>.
#[no_mangle]
pub extern "C" fn uv_get_total_memory() -> u64 {
    memory_info("MemTotal:").unwrap_or_else(|| {
        host::info().map_or(0, |info| info.totalram.saturating_mul(u64::from(info.mem_unit)))
    })
}

/// Returns how much memory this process may use, in bytes: the lowest limit of its control group and
/// that group's ancestors, its address space and its data segment. `UINT64_MAX` if none of them is set, 0 if unknown.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_constrained_memory>.
#[no_mangle]
pub extern "C" fn uv_get_constrained_memory() -> u64 {
    let group = Groups::of_this_process().map_or(0, |groups| groups.memory_limit());
    [libc::RLIMIT_AS, libc::RLIMIT_DATA]
        .map(process::limit)
        .into_iter()
        .filter(|&limit| limit != libc::RLIM_INFINITY)
        // An unknown limit of the group does not count.
        .fold(group, |lowest, limit| if lowest == 0 { limit } else { lowest.min(limit) })
}

/// Returns how much memory is available to this process, in bytes: the least that is left of
/// the limits of its control group and that group's ancestors, or else the free memory.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_available_memory>.
#[no_mangle]
pub extern "C" fn uv_get_available_memory() -> u64 {
    let limited =
        Groups::of_this_process().and_then(|groups| groups.available_memory(uv_get_total_memory()));
    limited.unwrap_or_else(|| uv_get_free_memory())
}
