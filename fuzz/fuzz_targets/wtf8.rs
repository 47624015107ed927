#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uv::fuzzing::wtf8(data));
