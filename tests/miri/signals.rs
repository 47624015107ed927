//! Signal handles. C stores the address of a handler in an integer, so these run without strict
//! provenance.

use super::api::*;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};

#[test]
fn signals_reach_their_handles() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn on_signal(signal: *mut uv_signal_t, signum: c_int) {
        assert_eq!(signum, libc::SIGUSR1);
        CALLS.fetch_add(1, Ordering::Relaxed);
        close(signal);
    }
    with_loop(|l| unsafe {
        for start in [uv_signal_start, uv_signal_start_oneshot, uv_signal_start] {
            let signal = alloc();
            ok(uv_signal_init(l, signal));
            ok(start(signal, Some(on_signal), libc::SIGUSR1));
        }
        // Of another signal, for which none is called.
        let other = alloc();
        ok(uv_signal_init(l, other));
        ok(uv_signal_start(other, Some(on_signal), libc::SIGUSR2));
        ok(uv_kill(libc::getpid(), libc::SIGUSR1));
        close(other);
    });
    assert_eq!(CALLS.load(Ordering::Relaxed), 3);
}
