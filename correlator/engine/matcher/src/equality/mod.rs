//! The fast path is held equal to the slow one, on random rules and random events.

pub mod events;
mod rules;

use proptest::prelude::*;

use crate::{Explanation, Matcher, Scope, explain, form};

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

/// What of an explanation made it hold.
fn told(explained: &Explanation, most: usize) -> Option<Explanation> {
    if !explained.held || !matches!(&*explained.op, "and" | "or") {
        return explained.held.then(|| explained.clone());
    }
    let of: Vec<_> = explained.of.iter().take(most).filter_map(|part| told(part, most)).collect();
    Some(if let [one] = of.as_slice() { one.clone() } else { Explanation { of, ..explained.clone() } })
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
    fn evidence_is_what_held_of_the_explanation(form in rules::form(), line in events::line(), most in 0usize..4) {
        let matcher = Matcher::compile(form.to_string().as_bytes()).unwrap();
        for rule in 0..matcher.rules() {
            let explained = matcher.explain(&line, rule).unwrap();
            prop_assert_eq!(matcher.evidence(&line, rule, most), told(&explained, most));
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
