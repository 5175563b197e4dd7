//! Bytes as rows that windows are restored from.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    impetus_hostile::state::bear(data);
});
