//! RSigma as it is set up: how it reads events, how it chooses rules, which of its indexes it uses.
//!
//! A rule is tried where its log source is the event's: `logsource.product` and so on, or without those top-level
//! `product`, `category` and `service`. RSigma's own routing lets an event without one of them pass, so a part that is
//! absent is given a value that no rule has. Of several categories it is given the last, which is the narrowest: it knows
//! only one.

use std::{collections::HashMap, error::Error, path::Path};

use impetus_bench::{Events, Options, lines};
use rsigma_eval::{Engine, EvaluationResult, JsonEvent, parse_pipeline_file};
use rsigma_parser::{LogSource, SigmaRule, parse_sigma_directory};
use serde_json::Value;

const ABSENT: &str = "\u{0}";

/// What of RSigma is switched on. Without `--try` it is what proved fastest of its own settings.
#[derive(Default)]
pub struct Settings {
    pipeline: Option<String>,
    bloom: bool,
    cross: bool,
    strict: bool,
    separate: bool,
    serde: bool,
}

impl Settings {
    /// Take them from the command line.
    pub fn read(options: &mut Options) -> Result<Self, String> {
        let mut settings = Self { pipeline: options.value("--pipeline"), ..Self::default() };
        while let Some(setting) = options.value("--try") {
            match setting.as_str() {
                // A Bloom filter over the literals of each field.
                "bloom" => settings.bloom = true,
                // One Aho-Corasick automaton over the literals of all rules; wants the feature daachorse.
                "cross" if cfg!(feature = "daachorse") => settings.cross = true,
                // `evaluate_with_logsource` in place of `evaluate_pruned`.
                "strict" => settings.strict = true,
                // Our own routing: an engine for each log source of the events, of its rules alone.
                "separate" => settings.separate = true,
                // serde_json makes the tree, in place of sonic-rs.
                "serde" => settings.serde = true,
                _ => return Err(format!("there is no setting {setting}")),
            }
        }
        Ok(settings)
    }
}

/// The engine, ready for events.
pub struct Peer {
    settings: Settings,
    rules: Vec<SigmaRule>,
    engine: Engine,
    separate: HashMap<[String; 3], Engine>,
}

impl Peer {
    /// Load the rules of a folder; what it cannot use is said on standard error.
    pub fn load(folder: &str, settings: Settings) -> Result<Self, Box<dyn Error>> {
        let collection = parse_sigma_directory(Path::new(folder))?;
        for error in collection.errors() {
            eprintln!("not parsed: {error}");
        }
        let rules = collection.rules;
        let engine = build(&settings, &rules)?;
        Ok(Self { settings, rules, engine, separate: HashMap::new() })
    }

    /// Number of rules.
    pub fn rules(&self) -> usize {
        self.engine.rule_count()
    }

    /// With `separate`, make the engines that some events will need.
    pub fn prepare(&mut self, events: &mut Events) -> Result<(), Box<dyn Error>> {
        if !self.settings.separate {
            return Ok(());
        }
        events.each(|chunk| {
            for event in lines(chunk).filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
                let key = parts(&event).map(str::to_owned);
                if !self.separate.contains_key(&key) {
                    let rules: Vec<_> = self.rules.iter().filter(|rule| applies(rule, &key)).cloned().collect();
                    self.separate.insert(key, build(&self.settings, &rules)?);
                }
            }
            Ok(())
        })
    }

    /// What matches a line; nothing where it is no JSON.
    pub fn matches(&self, line: &[u8]) -> Option<Vec<EvaluationResult>> {
        let event: Value = if self.settings.serde {
            serde_json::from_slice(line).ok()?
        } else {
            sonic_rs::from_slice(line).ok()?
        };
        let parts = parts(&event);
        let met = JsonEvent::borrow(&event);
        if self.settings.separate {
            return Some(self.separate.get(&parts.map(str::to_owned)).map_or(Vec::new(), |engine| engine.evaluate(&met)));
        }
        let [product, category, service] = parts.map(|part| Some(part.to_owned()));
        let source = LogSource { product, category, service, ..LogSource::default() };
        Some(if self.settings.strict {
            self.engine.evaluate_with_logsource(&met, &source)
        } else {
            self.engine.evaluate_pruned(&met, &source)
        })
    }
}

fn build(settings: &Settings, rules: &[SigmaRule]) -> Result<Engine, Box<dyn Error>> {
    let mut engine = Engine::new();
    if let Some(file) = &settings.pipeline {
        engine.add_pipeline(parse_pipeline_file(Path::new(file))?);
    }
    engine.set_bloom_prefilter(settings.bloom);
    #[cfg(feature = "daachorse")]
    engine.set_cross_rule_ac(settings.cross);
    for (index, error) in engine.add_rules(rules) {
        eprintln!("not compiled: {}: {error}", rules[index].title);
    }
    Ok(engine)
}

/// Product, category and service of an event.
fn parts(event: &Value) -> [&str; 3] {
    let source = event.get("logsource").filter(|source| source.is_object()).unwrap_or(event);
    ["product", "category", "service"].map(|part| {
        let value = source.get(part);
        let last = value.and_then(Value::as_array).and_then(|several| several.last()).or(value);
        last.and_then(Value::as_str).unwrap_or(ABSENT)
    })
}

fn applies(rule: &SigmaRule, met: &[String; 3]) -> bool {
    let source = &rule.logsource;
    let wanted = [&source.product, &source.category, &source.service];
    wanted.iter().zip(met).all(|(wanted, met)| wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(met)))
}
