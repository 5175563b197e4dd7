//! Items and alerts as bytes. Components are not written: verdicts and members give them again.

use std::sync::Arc;

use crate::alert::Alert;
use crate::codec::{Reader, Writer};
use crate::entry::{Entry, Verdict};
use crate::item::{Spot, Whereabouts};

const EXPLAINED: u8 = 1;
const FIRES: u8 = 2;
const HOLDS: u8 = 4;
const AWAITS: u8 = 8;
const ZONE: u8 = 16;
const SPOT: u8 = 32;
const SHOWN: u8 = 64;

/// Writes an item after one of the time `before`.
pub(crate) fn write_item(out: &mut Writer, before: i64, entry: &Entry) {
    out.signed(entry.time.wrapping_sub(before));
    write_entry(out, entry);
}

/// Reads items to the end; `None` if they make no sense.
pub(crate) fn read_items(input: &mut Reader<'_>) -> Option<Vec<Entry>> {
    let (mut entries, mut time) = (Vec::new(), 0_i64);
    while !input.is_empty() {
        time = time.wrapping_add(input.signed()?);
        entries.push(read_entry(input, time)?);
    }
    Some(entries)
}

/// What can be seen of a written item without building it.
pub(crate) struct Glimpse<'a> {
    pub time: i64,
    pub id: &'a [u8],
    pub rules: u64,
    /// How many values it has.
    pub values: usize,
}

/// Looks at the next item after one of the time `before`.
pub(crate) fn glimpse<'a>(input: &mut Reader<'a>, before: i64) -> Option<Glimpse<'a>> {
    let time = before.wrapping_add(input.signed()?);
    let flags = input.byte()?;
    let (id, rules) = (input.slice()?, input.number()?);
    let values = usize::try_from(input.number()?).ok()?;
    input.skip(values.checked_mul(16)?)?;
    if flags & ZONE != 0 {
        input.slice()?;
    }
    if flags & SPOT != 0 {
        input.skip(24)?;
    }
    if flags & SHOWN != 0 {
        input.number()?;
        input.number()?;
    }
    Some(Glimpse { time, id, rules, values })
}

fn write_entry(out: &mut Writer, entry: &Entry) {
    let place = entry.whereabouts.as_deref();
    let (zone, spot) = (place.and_then(|p| p.zone.as_deref()), place.and_then(|p| p.spot));
    let verdict = match entry.verdict {
        Verdict::None => 0,
        Verdict::Holds => HOLDS,
        Verdict::Awaits => AWAITS,
    };
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let places = flag(zone.is_some(), ZONE) | flag(spot.is_some(), SPOT);
    let states = flag(entry.explained, EXPLAINED) | flag(entry.fires, FIRES) | flag(entry.shown != 0, SHOWN);
    out.byte(verdict | places | states);
    out.text(&entry.id);
    out.number(entry.rules);
    out.number(entry.values.len() as u64);
    entry.values.iter().for_each(|v| out.fixed(&v.to_le_bytes()));
    zone.into_iter().for_each(|z| out.text(z));
    for number in spot.into_iter().flat_map(|s| [s.latitude, s.longitude, s.radius]) {
        out.fixed(&number.to_le_bytes());
    }
    if entry.shown != 0 {
        out.number(u64::from(entry.shown));
        out.signed(entry.shown_at);
    }
}

fn read_entry(input: &mut Reader<'_>, time: i64) -> Option<Entry> {
    let flags = input.byte()?;
    let mut entry = Entry { time, id: input.text()?, rules: input.number()?, ..Entry::default() };
    entry.values = read_values(input)?;
    let zone = if flags & ZONE != 0 { Some(input.text()?) } else { None };
    let spot = if flags & SPOT != 0 { Some(read_spot(input)?) } else { None };
    if flags & (ZONE | SPOT) != 0 {
        entry.whereabouts = Some(Arc::new(Whereabouts { zone, spot }));
    }
    entry.explained = flags & EXPLAINED != 0;
    entry.fires = flags & FIRES != 0;
    entry.verdict = match (flags & HOLDS != 0, flags & AWAITS != 0) {
        (false, false) => Verdict::None,
        (true, false) => Verdict::Holds,
        (false, true) => Verdict::Awaits,
        (true, true) => return None,
    };
    if flags & SHOWN != 0 {
        (entry.shown, entry.shown_at) = (input.small()?, input.signed()?);
    }
    Some(entry)
}

fn read_values(input: &mut Reader<'_>) -> Option<Box<[u128]>> {
    let bytes = input.number().and_then(|n| usize::try_from(n).ok()?.checked_mul(16))?;
    let (values, _) = input.skip(bytes)?.as_chunks::<16>();
    Some(values.iter().map(|v| u128::from_le_bytes(*v)).collect())
}

fn read_spot(input: &mut Reader<'_>) -> Option<Spot> {
    let mut float = || input.fixed().map(f64::from_le_bytes);
    let (latitude, longitude, radius) = (float()?, float()?, float()?);
    Some(Spot { latitude, longitude, radius })
}

/// Writes an alert.
pub(crate) fn write_alert(out: &mut Writer, alert: &Alert) {
    out.text(&alert.id);
    out.number(u64::from(alert.revision));
    out.fixed(&alert.fingerprint.to_le_bytes());
    out.byte(u8::from(alert.live));
    out.signed(alert.first.0);
    out.text(&alert.first.1);
    out.signed(alert.last);
    out.signed(alert.at);
    out.text(&alert.newest);
}

/// Reads what `write_alert` wrote.
pub(crate) fn read_alert(input: &mut Reader<'_>) -> Option<Alert> {
    Some(Alert {
        id: input.text()?,
        revision: input.small()?,
        fingerprint: u64::from_le_bytes(input.fixed()?),
        live: input.byte()? == 1,
        first: (input.signed()?, input.text()?),
        last: input.signed()?,
        at: input.signed()?,
        newest: input.text()?,
    })
}
