//! One key as bytes. Components are not written: verdicts and members give them again.

use std::sync::Arc;

use crate::alert::Alert;
use crate::codec::{Reader, Writer};
use crate::entry::{Entry, Verdict};
use crate::item::{Spot, Whereabouts};
use crate::key::Key;

const EXPLAINED: u8 = 1;
const FIRES: u8 = 2;
const HOLDS: u8 = 4;
const AWAITS: u8 = 8;
const ZONE: u8 = 16;
const SPOT: u8 = 32;
const SHOWN: u8 = 64;

/// Writes the items and alerts of a key.
pub(crate) fn write_key(out: &mut Writer, key: &Key) {
    out.number(key.entries.len() as u64);
    let mut before = 0_i64;
    for entry in &key.entries {
        out.signed(entry.time.wrapping_sub(before));
        before = entry.time;
        write_entry(out, entry);
    }
    out.number(key.alerts.len() as u64);
    for (slot, alert) in key.alerts.iter() {
        out.number(u64::from(slot));
        write_alert(out, alert);
    }
}

/// Reads what `write_key` wrote into an empty key; `None` if it makes no sense.
pub(crate) fn read_key(input: &mut Reader<'_>, key: &mut Key) -> Option<()> {
    let mut time = 0_i64;
    for _ in 0..input.number()? {
        time = time.wrapping_add(input.signed()?);
        let entry = read_entry(input, time)?;
        if key.entries.back().is_some_and(|last| last.order() >= entry.order()) {
            return None;
        }
        key.entries.push_back(entry);
    }
    for _ in 0..input.number()? {
        let slot = input.small()?;
        key.alerts.put(slot, read_alert(input)?);
    }
    Some(())
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
    let values: Option<Vec<u128>> = (0..input.number()?).map(|_| input.fixed().map(u128::from_le_bytes)).collect();
    entry.values = values?.into();
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

fn read_spot(input: &mut Reader<'_>) -> Option<Spot> {
    let mut float = || input.fixed().map(f64::from_le_bytes);
    let (latitude, longitude, radius) = (float()?, float()?, float()?);
    Some(Spot { latitude, longitude, radius })
}

fn write_alert(out: &mut Writer, alert: &Alert) {
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

fn read_alert(input: &mut Reader<'_>) -> Option<Alert> {
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
