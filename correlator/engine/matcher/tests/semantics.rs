//! Matching is held equal to a slow, obvious evaluator, and so is the explanation.

mod naive;

use impetus_matcher::{Matcher, Scope};
use naive::{applies, draw, event::Json, holds, rule};
use proptest::prelude::*;

/// Ten thousand cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn expected(rules: &[(rule::LogSource, rule::Rule)], event: &Json, every: bool) -> Vec<(usize, usize)> {
    let held = |(source, rule): &(rule::LogSource, rule::Rule)| (every || applies(source, event)) && holds(rule, event);
    rules.iter().enumerate().filter(|(_, rule)| held(rule)).map(|(index, _)| (0, index)).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn matching_is_what_the_slow_evaluator_says(
        rules in draw::rules(),
        events in prop::collection::vec((draw::event(), any::<bool>()), 1..5),
    ) {
        let form = rule::form(&rules);
        let matcher = Matcher::compile(form.as_bytes()).map_err(|refusals| TestCaseError::fail(format!("{refusals:?}")))?;
        for (event, escape) in &events {
            let line = event.write(*escape);
            let every = expected(&rules, event, true);
            prop_assert_eq!(&matcher.match_lines([line.as_bytes()], Scope::Every), &every, "{} on {}", form, line);
            let some = expected(&rules, event, false);
            prop_assert_eq!(matcher.match_lines([line.as_bytes()], Scope::LogSource), some, "{} on {}", form, line);
            for index in 0..rules.len() {
                let explained = matcher.explain(line.as_bytes(), index).is_some_and(|why| why.held);
                prop_assert_eq!(explained, every.contains(&(0, index)), "{} on {}", form, line);
            }
        }
    }
}
