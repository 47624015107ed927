#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxuv_tool::fuzzing::core_file(data));
