//! The primitives of the lock-free structures. `tests/loom.rs` compiles those structures with a module of
//! this name that has loom's types.

pub use core::sync::atomic;
pub use std::thread::yield_now;

/// A sequentially consistent fence, to be called after an atomic read-modify-write operation.
///
/// On x86-64 that operation is a locked instruction, across which the processor moves neither loads
/// nor stores. A fence instruction would double the cost of a send, so only a compiler fence is used.
#[inline(always)]
pub fn fence_after_rmw() {
    if cfg!(all(target_arch = "x86_64", not(miri))) {
        atomic::compiler_fence(atomic::Ordering::SeqCst);
    } else {
        atomic::fence(atomic::Ordering::SeqCst);
    }
}
