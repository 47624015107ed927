#![no_main]

#[allow(dead_code)]
#[path = "../../src/abi/header/generate.rs"]
mod generate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| generate::convert(&String::from_utf8_lossy(data)));
