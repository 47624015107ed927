//! Shutdown of the library: `uv_library_shutdown`, called by the program or at exit.

use crate::os;
use crate::pool;

/// Ends the thread pool, after the work that it has started, and releases process-wide resources. It is
/// called automatically when the process exits; calling it again has no effect.
///
/// Do not call it while a loop is running.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_library_shutdown>.
#[no_mangle]
pub extern "C" fn uv_library_shutdown() {
    pool::shut_down();
    os::shut_down();
}

extern "C" fn at_exit() {
    uv_library_shutdown();
}

/// Makes the dynamic linker call `at_exit` when the process exits or the library is unloaded.
#[used]
#[link_section = ".fini_array"]
static AT_EXIT: extern "C" fn() = at_exit;
