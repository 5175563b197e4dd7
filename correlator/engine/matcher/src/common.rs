//! What many events have: literals that are poor witnesses, since they would call for their rules most of the time, and
//! bytes that tell little.

use crate::witness::Place;

/// What being common adds to the cost of a witness.
pub const COST: u32 = 300;

/// Canonical forms that texts often have in them; so they often have what is in one of these.
const STRETCHES: [&str; 9] = [
    r"c:\\windows\\system32\\",
    r"c:\\windows\\syswow64\\",
    r"c:\\windows\\microsoft.net\\framework64\\",
    r"c:\\program files (x86)\\",
    r"c:\\program files\\",
    r"c:\\users\\",
    r"\\software\\microsoft\\windows nt\\currentversion\\",
    r"\\software\\microsoft\\windows\\currentversion\\",
    r"\\system\\currentcontrolset\\services\\",
];

/// Canonical forms that texts often are, or end with.
const ENDS: [&str; 20] = [
    "true",
    "false",
    "security",
    "key",
    "file",
    "setvalue",
    "0x0",
    "0x1",
    r"\\lsass.exe",
    r"\\svchost.exe",
    r"\\windows\\system32\\lsass.exe",
    r":\\windows\\system32\\svchost.exe",
    r"\\services.exe",
    r"\\explorer.exe",
    r"\\cmd.exe",
    r"\\powershell.exe",
    r"\\rundll32.exe",
    r"\\wmiprvse.exe",
    "powershell.exe",
    "cmd.exe",
];

/// Whether a literal is common there.
pub fn is_common(place: Place, literal: &[u8]) -> bool {
    match std::str::from_utf8(literal) {
        Ok(text) => match place {
            Place::Whole | Place::End => ENDS.contains(&text),
            Place::Start | Place::Inside => STRETCHES.iter().any(|stretch| stretch.contains(text)),
        },
        Err(_) => false,
    }
}

/// How common a byte is in what is logged, as a guess.
pub fn commonness(byte: u8) -> u8 {
    match byte {
        b'\\' => 6,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 5,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'u' | b' ' => 4,
        b'a'..=b'z' | b'0'..=b'9' | b'.' => 3,
        b'-' | b'/' | b':' | b'_' => 2,
        _ => 1,
    }
}
