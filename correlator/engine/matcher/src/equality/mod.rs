//! The fast path is held equal to the slow one, on random rules and random events.

pub mod events;
mod rules;

use proptest::prelude::*;

use crate::{Matcher, Scope, explain, form};

/// Rules that hold, by the slow path.
fn slow(rules: &[form::Rule], line: &[u8], scope: Scope) -> Vec<usize> {
    let holds = |rule: &form::Rule| {
        explain::explain(rule, line).held && (scope == Scope::Every || explain::applies(rule, line))
    };
    rules.iter().enumerate().filter(|(_, rule)| holds(rule)).map(|(index, _)| index).collect()
}

fn fast(matcher: &Matcher, line: &[u8], scope: Scope) -> Vec<usize> {
    matcher.match_lines([line], scope).into_iter().map(|(_, rule)| rule).collect()
}

/// So many cases, or as many as `PROPTEST_CASES` says.
fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn both_paths_agree(form in rules::form(), lines in prop::collection::vec(events::line(), 1..8)) {
        let form = form.to_string();
        let matcher = Matcher::compile(form.as_bytes()).expect(&form);
        let rules = form::read(form.as_bytes()).expect(&form);
        for line in &lines {
            for scope in [Scope::Every, Scope::LogSource] {
                let text = String::from_utf8_lossy(line);
                prop_assert_eq!(fast(&matcher, line, scope), slow(&rules, line, scope), "{} on {}", form, text);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn a_batch_is_its_lines(form in rules::form(), lines in prop::collection::vec(events::line(), 0..8)) {
        let matcher = Matcher::compile(form.to_string().as_bytes()).unwrap();
        let batch = matcher.match_lines(lines.iter().map(Vec::as_slice), Scope::LogSource);
        let single = lines.iter().enumerate().flat_map(|(number, line)| {
            fast(&matcher, line, Scope::LogSource).into_iter().map(move |rule| (number, rule))
        });
        prop_assert_eq!(&batch, &single.collect::<Vec<_>>());
        if lines.iter().all(|line| !line.contains(&b'\n')) {
            prop_assert_eq!(&batch, &matcher.match_buffer(&lines.join(&b'\n'), Scope::LogSource));
        }
    }

    #[test]
    fn any_bytes_are_borne(form in rules::form(), line in events::damaged()) {
        let matcher = Matcher::compile(form.to_string().as_bytes()).unwrap();
        matcher.match_lines([line.as_slice()], Scope::Every);
        (0..matcher.rules()).for_each(|rule| drop(matcher.explain(&line, rule)));
    }

    #[test]
    fn any_bytes_are_no_form(form in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Matcher::compile(&form).is_err());
    }
}
