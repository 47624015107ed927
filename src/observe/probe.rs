//! USDT probes, of the provider `libuv`: a `nop` and a note in `.note.stapsdt` for each, which perf, bpftrace,
//! SystemTap and gdb know. Their arguments are 64 bits wide. Those who attach count up the semaphore, which is
//! the lower half of `ACTIVE`.

/// A probe with up to four arguments, in the order of the registers of a call.
macro_rules! probe {
    ($name:ident $(, $argument:expr)*) => {
        crate::observe::probe::place!($name [$($argument,)*])
    };
}
pub(super) use probe;

/// Pairs arguments with registers, and places the probe.
#[cfg(all(target_arch = "x86_64", not(miri)))]
macro_rules! place {
    ($name:ident [$a:expr,]) => {
        crate::observe::probe::note!($name, "8@%rdi", "rdi" = $a)
    };
    ($name:ident [$a:expr, $b:expr,]) => {
        crate::observe::probe::note!($name, "8@%rdi 8@%rsi", "rdi" = $a, "rsi" = $b)
    };
    ($name:ident [$a:expr, $b:expr, $c:expr,]) => {
        crate::observe::probe::note!(
            $name,
            "8@%rdi 8@%rsi 8@%rdx",
            "rdi" = $a,
            "rsi" = $b,
            "rdx" = $c
        )
    };
    ($name:ident [$a:expr, $b:expr, $c:expr, $d:expr,]) => {
        crate::observe::probe::note!(
            $name,
            "8@%rdi 8@%rsi 8@%rdx 8@%rcx",
            "rdi" = $a,
            "rsi" = $b,
            "rdx" = $c,
            "rcx" = $d
        )
    };
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
macro_rules! place {
    ($name:ident [$a:expr,]) => {
        crate::observe::probe::note!($name, "8@x0", "x0" = $a)
    };
    ($name:ident [$a:expr, $b:expr,]) => {
        crate::observe::probe::note!($name, "8@x0 8@x1", "x0" = $a, "x1" = $b)
    };
    ($name:ident [$a:expr, $b:expr, $c:expr,]) => {
        crate::observe::probe::note!($name, "8@x0 8@x1 8@x2", "x0" = $a, "x1" = $b, "x2" = $c)
    };
    ($name:ident [$a:expr, $b:expr, $c:expr, $d:expr,]) => {
        crate::observe::probe::note!(
            $name,
            "8@x0 8@x1 8@x2 8@x3",
            "x0" = $a,
            "x1" = $b,
            "x2" = $c,
            "x3" = $d
        )
    };
}

#[cfg(miri)]
macro_rules! place {
    ($name:ident [$($argument:expr,)*]) => {{
        $(let _: u64 = $argument;)*
    }};
}
pub(super) use place;

/// The note, as the header `sys/sdt.h` of SystemTap writes it.
#[cfg(not(miri))]
macro_rules! note {
    ($name:ident, $where:literal $(, $register:tt = $argument:expr)*) => {
        // SAFETY: a `nop`; the arguments are read only.
        unsafe {
            core::arch::asm!(
                "990: nop",
                ".pushsection .note.stapsdt,\"\",@note",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte _.stapsdt.base",
                ".8byte {active}",
                ".asciz \"libuv\"",
                concat!(".asciz \"", stringify!($name), "\""),
                concat!(".asciz \"", $where, "\""),
                "994: .balign 4",
                ".popsection",
                ".ifndef _.stapsdt.base",
                ".pushsection .stapsdt.base,\"aGR\",@progbits,.stapsdt.base,comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base, 1",
                ".popsection",
                ".endif",
                active = sym crate::observe::ACTIVE,
                $(in($register) { let argument: u64 = $argument; argument },)*
                options(nomem, nostack, preserves_flags),
            );
        }
    };
}
#[cfg(not(miri))]
pub(super) use note;
