//! Timers, idle, prepare and check handles.

use super::api::*;
use core::ffi::c_void;
use core::ptr;

#[test]
fn timers_are_freed_when_closed() {
    unsafe extern "C-unwind" fn on_timer(timer: *mut uv_timer_t) {
        unsafe { close(timer) }
    }
    with_loop(|l| {
        for timeout in [2, 0, 1, 5_000_000] {
            unsafe {
                let timer = alloc();
                ok(uv_timer_init(l, timer));
                ok(uv_timer_start(timer, Some(on_timer), timeout, 1));
                if timeout > 10 {
                    close(timer);
                }
            }
        }
    });
}

#[test]
fn timers_repeat_and_restart_in_callbacks() {
    unsafe extern "C-unwind" fn on_repeat(timer: *mut uv_timer_t) {
        unsafe {
            let left = (*timer).base.data.cast::<u32>();
            *left -= 1;
            match *left {
                0 => close(timer),
                1 => ok(uv_timer_again(timer)),
                _ => {
                    ok(uv_timer_stop(timer));
                    ok(uv_timer_start(timer, Some(on_repeat), 0, 1));
                }
            }
        }
    }
    let mut left = 4;
    with_loop(|l| unsafe {
        let timer = alloc::<uv_timer_t>();
        (*timer).base.data = (&raw mut left).cast();
        ok(uv_timer_init(l, timer));
        ok(uv_timer_start(timer, Some(on_repeat), 1, 1));
    });
    assert_eq!(left, 0);
}

/// Memory of a handle may become another handle in the close callback.
#[test]
fn memory_is_used_again_in_the_close_callback() {
    unsafe extern "C-unwind" fn on_close(handle: *mut uv_handle_t) {
        unsafe {
            let l = (*handle).r#loop;
            let idle = handle.cast::<uv_idle_t>();
            ok(uv_idle_init(l, idle));
            ok(uv_idle_start(idle, Some(on_idle)));
        }
    }
    unsafe extern "C-unwind" fn on_idle(idle: *mut uv_idle_t) {
        unsafe {
            ok(uv_idle_stop(idle));
            close(idle.cast::<uv_any_handle>());
        }
    }
    with_loop(|l| unsafe {
        let handle = alloc::<uv_any_handle>();
        ok(uv_timer_init(l, handle.cast()));
        uv_close(handle.cast(), Some(on_close));
    });
}

#[test]
fn loop_watchers_close_themselves_and_others() {
    unsafe extern "C-unwind" fn on_idle(idle: *mut uv_idle_t) {
        unsafe {
            close((*idle).base.data.cast::<uv_idle_t>());
            close(idle);
        }
    }
    unsafe extern "C-unwind" fn never(_: *mut uv_idle_t) {
        unreachable!();
    }
    unsafe extern "C-unwind" fn on_prepare(prepare: *mut uv_prepare_t) {
        unsafe { close(prepare) }
    }
    unsafe extern "C-unwind" fn on_check(check: *mut uv_check_t) {
        unsafe { close(check) }
    }
    with_loop(|l| unsafe {
        let (one, other) = (alloc::<uv_idle_t>(), alloc::<uv_idle_t>());
        // Those started last are called first.
        for (idle, callback) in [(other, never as unsafe extern "C-unwind" fn(_)), (one, on_idle)] {
            ok(uv_idle_init(l, idle));
            ok(uv_idle_start(idle, Some(callback)));
        }
        (*one).base.data = other.cast();
        let prepare = alloc();
        ok(uv_prepare_init(l, prepare));
        ok(uv_prepare_start(prepare, Some(on_prepare)));
        let check = alloc();
        ok(uv_check_init(l, check));
        ok(uv_check_start(check, Some(on_check)));
    });
}

#[test]
fn a_walk_closes_what_it_visits() {
    unsafe extern "C-unwind" fn visit(handle: *mut uv_handle_t, count: *mut c_void) {
        unsafe {
            *count.cast::<u32>() += 1;
            close(handle.cast::<uv_timer_t>());
        }
    }
    let mut count = 0;
    with_loop(|l| unsafe {
        for _ in 0..3 {
            ok(uv_timer_init(l, alloc()));
        }
        uv_walk(l, Some(visit), ptr::from_mut(&mut count).cast());
    });
    assert_eq!(count, 3);
}

/// A timer, an idle and a prepare handle each leave their callback, and `uv_run`, by unwinding.
#[test]
fn callbacks_unwind_through_the_loop() {
    unsafe extern "C-unwind" fn on_timer(timer: *mut uv_timer_t) {
        close(timer);
        std::panic::resume_unwind(Box::new(()));
    }
    unsafe extern "C-unwind" fn on_idle(idle: *mut uv_idle_t) {
        close(idle);
        std::panic::resume_unwind(Box::new(()));
    }
    unsafe extern "C-unwind" fn on_prepare(prepare: *mut uv_prepare_t) {
        close(prepare);
        std::panic::resume_unwind(Box::new(()));
    }
    let mut unwound = 0;
    with_loop(|l| unsafe {
        for _ in 0..2 {
            let timer = alloc();
            ok(uv_timer_init(l, timer));
            ok(uv_timer_start(timer, Some(on_timer), 0, 0));
        }
        let idle = alloc();
        ok(uv_idle_init(l, idle));
        ok(uv_idle_start(idle, Some(on_idle)));
        let prepare = alloc();
        ok(uv_prepare_init(l, prepare));
        ok(uv_prepare_start(prepare, Some(on_prepare)));
        while std::panic::catch_unwind(|| uv_run(l, UV_RUN_DEFAULT)).is_err() {
            unwound += 1;
        }
    });
    assert_eq!(unwound, 4);
}
