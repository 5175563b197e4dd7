//! A first look: three events of one user.
use impetus_windows::{Item, Windows};

#[test]
fn three_in_a_minute_fire_and_the_fourth_revises() {
    let form = br#"{"version":1,"rules":[{"id":"r"}],"correlations":[{"id":"c","type":"event_count","rules":[0],
        "group_by":["User"],"timespan":60000000,"condition":{"cmp":[["gte",3]]}}]}"#;
    let mut w = Windows::new(form, b"").unwrap();
    let item = |n: i64| Item::new(0, &format!("e{n}"), n * 1_000_000).with_fields(vec![("User".into(), "a".into())]);
    assert!(w.push(&[item(0), item(1)]).is_empty());
    let f = w.push(&[item(2)]);
    assert_eq!(f.len(), 1);
    assert_eq!(f[0].members.len(), 3);
    let g = w.push(&[item(3)]);
    assert_eq!((g[0].revision, g[0].members.len(), &g[0].id), (2, 4, &f[0].id));
}

#[test]
fn a_flood_is_linear() {
    let form = br#"{"version":1,"rules":[{"id":"r"}],"correlations":[{"id":"c","type":"event_count","rules":[0],
        "group_by":["User"],"timespan":60000000,"condition":{"cmp":[["gte",3]]}},
        {"id":"d","type":"value_count","rules":[0],
        "group_by":["User"],"timespan":60000000,"condition":{"cmp":[["gte",3]],"fields":["x"]}}]}"#;
    let mut w = Windows::new(form, b"").unwrap();
    let item = |n: i64| {
        Item::new(0, &format!("e{n}"), n * 1_000)
            .with_fields(vec![("User".into(), "a".into()), ("x".into(), n.to_string())])
    };
    let items: Vec<_> = (0..100_000).map(item).collect();
    let start = std::time::Instant::now();
    for batch in items.chunks(1000) {
        assert_eq!(w.push(batch).len(), 2);
    }
    eprintln!("{:?}", start.elapsed());
    let start = std::time::Instant::now();
    w.dirty();
    eprintln!("dirty {:?}", start.elapsed());
}
