#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chinwag_testkit::parsers::hold("server_frames", bytes));
