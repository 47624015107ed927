//! What C sees: layouts, callbacks, constants, errors.

mod errno;

pub use errno::*;
