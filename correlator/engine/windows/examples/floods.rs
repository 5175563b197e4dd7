//! Measures the windows alone, on one core: `cargo run --release -p impetus-windows --example floods [NAME]`.
//!
//! Rates are per second of processor time of the thread. Items are built outside of the measured time, a few thousand ahead, as a matcher would hand them over. Resident
//! bytes are the growth of the process (`/proc/self/statm`, Linux), everything included.

use std::time::Duration;

use impetus_windows::{Item, Spot, Windows};
use rustix::time::{ClockId, clock_gettime};

const SECOND: i64 = 1_000_000;
const BATCH: usize = 10_000;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let measure = |name: &str, run: &dyn Fn() -> String| {
        if name.contains(&wanted) {
            println!("{name}: {}", run());
        }
    };
    measure("keys, a million at rest", &|| keys(1_000_000));
    measure("keys, 200,000 of 12 events", &interleaved);
    measure("values, 5,000 distinct in a key", &|| distinct(5_000, 1_000_000));
    for pushed in [1, 1000] {
        measure(&format!("open alert, 50,000 members, {pushed} at a time"), &|| open_alert(50_000, pushed));
    }
    for items in [10_000, 100_000] {
        measure(&format!("median, {items} in a window"), &|| median(items));
    }
    for kind in ["place", "zone", "spot", "ordered", "absence"] {
        for items in [10_000, 100_000] {
            measure(&format!("{kind}, flood of {items} in a window"), &|| flood(kind, items, 1000, 1));
        }
    }
    for kind in ["place", "absence", "spot, firing", "order, firing", "near absence"] {
        measure(&format!("{kind}, flood of 10000 in a window, 10 at a time"), &|| flood(kind, 10_000, 10, 1));
    }
    for kind in ["absence", "near absence"] {
        measure(&format!("{kind}, flood of 10000 in a window, that ends in 1000 steps"), &|| {
            flood(kind, 10_000, 10, 1000)
        });
    }
}

fn windows(correlation: &str) -> Windows {
    let form = format!(r#"{{"version":1,"rules":[{{"id":"a"}},{{"id":"b"}}],"correlations":[{correlation}]}}"#);
    Windows::new(form.as_bytes(), b"").expect("a sound form")
}

fn event_count(least: usize, seconds: i64) -> Windows {
    windows(&format!(
        r#"{{"id":"c","type":"event_count","rules":[0],"group_by":["user.name"],"timespan":{},
            "condition":{{"cmp":[["gte",{least}]]}}}}"#,
        seconds * SECOND
    ))
}

/// An id as ours are: 26 characters.
fn id(number: usize) -> String {
    format!("e{number:025}")
}

fn of_user(number: usize, user: usize, time: i64) -> Item {
    Item::new(0, &id(number), time).with_fields(vec![("user.name".into(), format!("user-{user:08}"))])
}

/// Pushes items in batches; gives the time in `push`, the number of firings, and of bytes that commits wrote.
fn push_all(windows: &mut Windows, items: impl Iterator<Item = Item>, batch: usize) -> (Duration, usize, usize) {
    let (mut spent, mut firings, mut written) = (Duration::ZERO, 0, 0);
    let mut items = items.peekable();
    while items.peek().is_some() {
        let next: Vec<Item> = items.by_ref().take(batch).collect();
        let start = on_cpu();
        firings += windows.push(&next).len();
        spent += on_cpu() - start;
        written += windows.dirty().iter().map(|(k, s)| k.len() + s.as_ref().map_or(0, Vec::len)).sum::<usize>();
    }
    (spent, firings, written)
}

/// How long this thread has run on a core: a busy machine does not make the windows slower.
fn on_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn rate(items: usize, (spent, firings, written): (Duration, usize, usize)) -> String {
    let per_second = items as f64 / spent.as_secs_f64();
    format!("{per_second:.0} items/s, {firings} firings, {} bytes written per item", written / items)
}

fn keys(count: usize) -> String {
    let mut windows = event_count(10, 300);
    let before = resident();
    let first = (0..count).map(|n| of_user(n, n, n as i64 * 200));
    let made = push_all(&mut windows, first, BATCH);
    let bytes = (resident() - before) / count;
    let more = (0..count).map(|n| of_user(count + n, n * 7919 % count, (count + n) as i64 * 200));
    let met = push_all(&mut windows, more, BATCH);
    format!("{bytes} resident bytes a key; new: {}; known: {}", rate(count, made), rate(count, met))
}

fn interleaved() -> String {
    let (keys, each) = (200_000, 12);
    let mut windows = event_count(each, 3600);
    let items = (0..keys * each).map(|n| of_user(n, n % keys, n as i64 * 1000));
    let done = push_all(&mut windows, items, BATCH);
    format!("{} of {keys} alerts, {} lost; {}", done.1, windows.notices().len(), rate(keys * each, done))
}

fn distinct(values: usize, count: usize) -> String {
    let mut windows = windows(&format!(
        r#"{{"id":"c","type":"value_count","rules":[0],"group_by":["user.name"],"timespan":{},
            "condition":{{"cmp":[["gt",{values}]],"fields":["host.name"]}}}}"#,
        values as i64 * 2 * SECOND
    ));
    let item = |n: usize| {
        let fields = vec![("user.name".into(), "x".into()), ("host.name".into(), format!("host-{}", n % values))];
        Item::new(0, &id(n), n as i64 * SECOND).with_fields(fields)
    };
    let (mut spent, mut firings) = (Duration::ZERO, 0);
    for start in (0..count).step_by(BATCH) {
        let done = push_all(&mut windows, (start..start + BATCH).map(item), BATCH);
        (spent, firings) = (spent + done.0, firings + done.1);
        windows.advance((start + BATCH) as i64 * SECOND);
    }
    rate(count, (spent, firings, 0))
}

fn open_alert(members: usize, batch: usize) -> String {
    let mut windows = event_count(10, 3600);
    rate(members, push_all(&mut windows, (0..members).map(|n| of_user(n, 0, n as i64 * 1000)), batch))
}

fn median(items: usize) -> String {
    let mut windows = windows(&format!(
        r#"{{"id":"c","type":"value_median","rules":[0],"timespan":{},
            "condition":{{"cmp":[["gt",1000000]],"fields":["bytes"]}}}}"#,
        3600 * SECOND
    ));
    let item = |n: usize| {
        let fields = vec![("bytes".into(), (n * 7919 % 100_003).to_string())];
        Item::new(0, &id(n), n as i64 * 1000).with_fields(fields)
    };
    rate(items, push_all(&mut windows, (0..items).map(item), 1000))
}

fn flood(kind: &str, items: usize, pushed: usize, steps: usize) -> String {
    let correlation = match kind {
        "place" => r#""type":"event_count","condition":{"cmp":[["gte",50]]},"place":{"distance":[["lte",200]]}"#,
        "zone" => r#""type":"event_count","condition":{"cmp":[["gte",5000]]},"place":{"zone":{"kind":"same"}}"#,
        "spot" => r#""type":"event_count","condition":{"cmp":[["gte",1000000]]},"place":{"distance":[["lte",200]]}"#,
        "spot, firing" => r#""type":"event_count","condition":{"cmp":[["gte",50]]},"place":{"distance":[["lte",200]]}"#,
        "ordered" | "order, firing" => r#""type":"temporal_ordered""#,
        "near absence" => {
            r#""type":"temporal","place":{"distance":[["lte",200]]},"condition":{"expr":{"op":"and","of":[
                {"op":"rule","index":0},{"op":"not","of":{"op":"rule","index":1}}]}}"#
        }
        _ => {
            r#""type":"temporal","condition":{"expr":{"op":"and","of":[{"op":"rule","index":0},
                {"op":"not","of":{"op":"rule","index":1}}]}}"#
        }
    };
    let mut windows = windows(&format!(r#"{{"id":"c","rules":[0,1],"timespan":{},{correlation}}}"#, 3600 * SECOND));
    // Ten thousand places over a city of 20 km, or one and the same.
    let place = |n: usize| if kind.starts_with("spot") || kind.starts_with("near") { 0 } else { n * 7919 };
    let zone = |n: usize| format!("zone-{}", place(n) % 100);
    let spot =
        |n: usize| Spot::new(Some(59.8 + (n % 100) as f64 * 0.002), Some(10.6 + (n / 100 % 100) as f64 * 0.004), None);
    let rule = |n: usize| if kind.starts_with("order,") { n % 2 } else { 0 };
    let item = |n: usize| Item::new(rule(n), &id(n), n as i64 * 1000).with_place(Some(&zone(n)), spot(place(n)));
    let done = push_all(&mut windows, (0..items).map(item), pushed);
    let start = on_cpu();
    let end = |step: usize| 3600 * SECOND + (items * step / steps) as i64 * 1000 + 1;
    let settled: usize = (1..=steps).map(|step| windows.advance(end(step)).len()).sum();
    let refused: String = windows.notices().into_iter().map(|(_, what)| format!("; {what}")).collect();
    rate(items, (done.0 + (on_cpu() - start), done.1 + settled, done.2)) + &refused
}
