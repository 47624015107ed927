//! The CPUs.

use super::cgroup::Groups;
use super::proc_text::{field, number, numbers};
use crate::abi::*;
use crate::memory::{self, Array};
use crate::sys::host;
use core::ffi::{c_char, c_int, c_uint, CStr};
use core::mem::size_of;

/// A CPU, as its line in `/proc/stat` describes it.
#[derive(Copy, Clone, Debug, PartialEq)]
struct Cpu {
    number: u32,
    times: uv_cpu_times_s,
}

/// Parses a line such as `cpu0 1393280 32966 572056 13343292 6130 0 17875 0 0 0`.
fn parse_stat_line(line: &[u8], tick: u64) -> Option<Cpu> {
    let line = line.strip_prefix(b"cpu")?;
    let mut values = numbers::<u64>(line).map(|value| value.unwrap_or(0));
    let number = u32::try_from(number(line)?).ok()?;
    values.next();
    let mut time = || Some(values.next()?.saturating_mul(tick));
    let (user, nice, sys, idle, _iowait, irq) =
        (time()?, time()?, time()?, time()?, time()?, time()?);
    Some(Cpu { number, times: uv_cpu_times_s { user, nice, sys, idle, irq } })
}

/// Returns the model of a CPU from the text of `/proc/cpuinfo`, which has a block of lines for each.
fn model(text: &[u8], cpu: u32) -> &[u8] {
    let value = |line: &'static str, text| field(text, line)?.strip_prefix(b": ");
    let mut lines = text.split(|&byte| byte == b'\n');
    let is_ours = |line| value("processor\t", line).and_then(number) == Some(cpu.into());
    lines
        .by_ref()
        .find(|line| is_ours(line))
        .and_then(|_| {
            lines
                .take_while(|line| !line.is_empty() && !line.starts_with(b"processor\t"))
                .find_map(|line| value("model name\t", line))
        })
        .unwrap_or(b"unknown")
}

/// Returns the maximum frequency of a CPU in MHz, 0 if unknown.
fn speed(cpu: u32) -> c_int {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_max_freq\0");
    let mut buffer = [0; 32];
    CStr::from_bytes_with_nul(path.as_bytes())
        .ok()
        .and_then(|path| host::read_file(path, &mut buffer).ok())
        .and_then(number)
        .and_then(|kilohertz| c_int::try_from(kilohertz / 1000).ok())
        .unwrap_or(0)
}

fn cpus() -> Result<Array<Cpu>> {
    let ticks_per_second = host::configuration(libc::_SC_CLK_TCK).unwrap_or(100).max(1) as u64;
    let text = host::read_whole_file(c"/proc/stat")?;
    let mut found = Array::new();
    // The first line has the sum of the others.
    for line in text.split(|&byte| byte == b'\n').skip(1) {
        let Some(cpu) = parse_stat_line(line, 1000 / ticks_per_second) else { break };
        found.push(cpu)?;
    }
    Ok(found)
}

/// Returns the array for the caller, in one block with the models.
fn cpu_info() -> Result<(*mut uv_cpu_info_t, usize)> {
    let cpus = cpus()?;
    let info = host::read_whole_file(c"/proc/cpuinfo")?;
    let models = || cpus.iter().map(|cpu| model(&info, cpu.number));
    let array_size = cpus.len() * size_of::<uv_cpu_info_t>();
    let text_size: usize = models().map(|model| model.len() + 1).sum();
    let block = memory::malloc(array_size + text_size)?.as_ptr().cast::<uv_cpu_info_t>();
    // SAFETY: the block has room for the array and for each model with a NUL.
    unsafe {
        let mut place = block.add(cpus.len()).cast::<c_char>();
        for (n, (cpu, model)) in cpus.iter().zip(models()).enumerate() {
            core::ptr::copy_nonoverlapping(model.as_ptr().cast(), place, model.len());
            place.add(model.len()).write(0);
            let (speed, cpu_times) = (speed(cpu.number), cpu.times);
            block.add(n).write(uv_cpu_info_t { model: place, speed, cpu_times });
            place = place.add(model.len() + 1);
        }
    }
    Ok((block, cpus.len()))
}

/// Gets the CPUs that are online, as an array to be freed by `uv_free_cpu_info()`.
///
/// Returns 0 or an error code such as `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpu_info>.
///
/// # Safety
/// Both pointers are good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_cpu_info(
    cpu_infos: *mut *mut uv_cpu_info_t,
    count: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        cpu_infos.write(core::ptr::null_mut());
        count.write(0);
        cpu_info().map(|(array, length)| {
            cpu_infos.write(array);
            count.write(length.try_into().unwrap_or(c_int::MAX));
        })
    }
    .into_c()
}

/// Frees the result of `uv_cpu_info()`. NULL is allowed.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_cpu_info>.
///
/// # Safety
/// `cpu_infos` is NULL or came from `uv_cpu_info()`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_free_cpu_info(cpu_infos: *mut uv_cpu_info_t, count: c_int) {
    let _ = count;
    // SAFETY: as documented; the array and the models are in one block.
    unsafe { memory::free(cpu_infos.cast()) };
}

/// Returns how many threads a program should use for work that keeps CPUs busy: the number of CPUs that
/// the calling thread may run on, or the quota of its control group or an ancestor if that is lower. At least 1.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_available_parallelism>.
#[no_mangle]
pub extern "C" fn uv_available_parallelism() -> c_uint {
    let cpus = host::cpus_of_this_thread()
        .or_else(|| host::configuration(libc::_SC_NPROCESSORS_ONLN))
        .map_or(1, |cpus| cpus as u64);
    let quota = Groups::of_this_process().and_then(|groups| groups.cpu_quota());
    let number = quota.map_or(cpus, |quota| quota.min(cpus)).max(1);
    c_uint::try_from(number).unwrap_or(c_uint::MAX)
}

/// For the fuzz target.
#[cfg(any(test, fuzzing))]
pub fn parse_all(text: &[u8]) {
    for line in text.split(|&byte| byte == b'\n') {
        let _ = parse_stat_line(line, u64::MAX);
    }
    assert!((0..3).all(|cpu| !model(text, cpu).contains(&b'\n')));
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &[u8] = b"processor\t: 0\nmodel\t\t: 17\nmodel name\t: Alpha 1\n\n\
        processor\t: 1\nflags\t: x\n\nprocessor\t: 12\nmodel name\t: Beta\n";

    #[test]
    fn each_cpu_has_its_model() {
        assert_eq!(model(INFO, 0), b"Alpha 1");
        assert_eq!(model(INFO, 1), b"unknown");
        assert_eq!(model(INFO, 2), b"unknown");
        assert_eq!(model(INFO, 12), b"Beta");
    }

    #[test]
    fn stat_lines() {
        let cpu = parse_stat_line(b"cpu3 1 2 3 4 5 6 7 8", 10);
        let times = uv_cpu_times_s { user: 10, nice: 20, sys: 30, idle: 40, irq: 60 };
        assert_eq!(cpu, Some(Cpu { number: 3, times }));
        assert_eq!(parse_stat_line(b"cpu0 1 2 3", 10), None);
        assert_eq!(parse_stat_line(b"intr 1 2 3 4 5 6 7", 10), None);
    }
}
