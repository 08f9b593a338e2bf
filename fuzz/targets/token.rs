#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chinwag_server::parsers::token(bytes));
