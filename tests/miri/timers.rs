use super::api::*;

#[test]
fn freed_when_closed() {
    unsafe extern "C" fn on_timer(timer: *mut uv_timer_t) {
        unsafe { close(timer) }
    }
    let l = new_loop();
    unsafe {
        for timeout in [2, 0, 1] {
            let timer = alloc();
            uv_timer_init(l, timer);
            uv_timer_start(timer, Some(on_timer), timeout, 1);
        }
        close_loop(l);
    }
}
