//! Bytes as an intermediate form.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| impetus_hostile::form::bear(data));
