//! Bytes as a line that may be an event.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| impetus_hostile::event::bear(data));
