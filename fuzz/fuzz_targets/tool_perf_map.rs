#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxuv_tool::fuzzing::perf_map(data));
