//! The host: name, uptime and load.

use super::proc_text::{numbers, Decimal};
use crate::abi::*;
use crate::ffi::TextOut;
use crate::sys::{self, host};
use core::ffi::{c_char, c_int};

/// The scale of the kernel's load averages.
const LOAD_SCALE: f64 = 65536.0;

/// Gets the name of the host. `size` goes in as the size of `buffer`, for which `UV_MAXHOSTNAMESIZE` is
/// always enough, and comes out as the length of the name.
///
/// Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
/// `UV_EINVAL` for NULL and for a size of 0.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_gethostname>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_os_gethostname(buffer: *mut c_char, size: *mut usize) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        out.put(host::host_name(&mut [0; size_of::<host::HostName>()])?)
    };
    get().into_c()
}

/// Gets the names and versions of the system and the hardware; see uname(2).
///
/// Returns 0, or `UV_EINVAL` for NULL.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_uname>.
///
/// # Safety
/// `buffer` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_uname(buffer: *mut uv_utsname_t) -> c_int {
    fn padded(name: &[c_char; 65]) -> [c_char; 256] {
        let mut out = [0; 256];
        out[..name.len()].copy_from_slice(name);
        out
    }
    if buffer.is_null() {
        return Error::EINVAL.code();
    }
    let names = host::uname().map(|names| uv_utsname_t {
        sysname: padded(&names.sysname),
        release: padded(&names.release),
        version: padded(&names.version),
        machine: padded(&names.machine),
    });
    // SAFETY: as documented.
    names.map(|names| unsafe { buffer.write(names) }).into_c()
}

/// Gets the uptime of the system, in seconds with two decimals.
///
/// Returns 0 or an error code. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_uptime>.
///
/// # Safety
/// `uptime` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_uptime(uptime: *mut f64) -> c_int {
    // A container may have its own /proc, with its own uptime.
    let from_file = host::read_file(c"/proc/uptime", &mut [0; 128])
        .ok()
        .and_then(|text| numbers(text).next()?);
    let result = match from_file {
        Some(Decimal(seconds)) => Ok(seconds),
        None => sys::time::clock_gettime(libc::CLOCK_BOOTTIME).map(|time| time.tv_sec as f64),
    };
    // SAFETY: as documented.
    result.map(|seconds| unsafe { uptime.write(seconds) }).into_c()
}

fn load_averages() -> Option<[f64; 3]> {
    let mut buffer = [0; 128];
    parse_averages(host::read_file(c"/proc/loadavg", &mut buffer).ok()?)
}

pub fn parse_averages(text: &[u8]) -> Option<[f64; 3]> {
    let mut averages = numbers::<Decimal>(text).map(|average| Some(average?.0));
    Some([averages.next()??, averages.next()??, averages.next()??])
}

/// Gets the load averages of 1, 5 and 15 minutes.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_loadavg>.
///
/// # Safety
/// `avg` has room for three numbers.
#[no_mangle]
pub unsafe extern "C" fn uv_loadavg(avg: *mut f64) {
    let averages = load_averages().or_else(|| {
        let info = host::info().ok()?;
        Some(info.loads.map(|load| load as f64 / LOAD_SCALE))
    });
    if let Some(averages) = averages {
        // SAFETY: as documented.
        unsafe { avg.cast::<[f64; 3]>().write(averages) };
    }
}
