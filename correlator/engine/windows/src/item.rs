//! What enters the windows and what comes out.

use std::sync::Arc;

use crate::members::Members;

/// A location with the radius of its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Metres; 0 when exact or unknown.
    pub radius: f64,
}

impl Spot {
    /// A location, or `None` when a coordinate is missing or not on the globe. A senseless radius counts as 0.
    pub fn new(latitude: Option<f64>, longitude: Option<f64>, radius: Option<f64>) -> Option<Self> {
        let (latitude, longitude) = (latitude?, longitude?);
        if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
            return None;
        }
        let radius = radius.filter(|r| r.is_finite() && *r > 0.0).unwrap_or(0.0);
        Some(Self { latitude, longitude, radius })
    }
}

/// Where an item was: the part of it that place relations read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whereabouts {
    /// Zone of the city model.
    pub zone: Option<Arc<str>>,
    /// Location, if known.
    pub spot: Option<Spot>,
}

/// One observation entering the windows: a match of a single-event rule.
#[derive(Debug, Clone)]
pub struct Item {
    /// Index of the rule in the form.
    pub rule: usize,
    /// Event id.
    pub id: Arc<str>,
    /// Event time, µs since the epoch.
    pub time: i64,
    /// Where it was.
    pub whereabouts: Option<Arc<Whereabouts>>,
    /// Field names and texts, a name repeated for an array.
    pub fields: Arc<[(String, String)]>,
    /// Whether the event plan explains it.
    pub explained: bool,
}

impl Item {
    /// An item of a rule at an event time (µs), nowhere, without fields, unexplained.
    pub fn new(rule: usize, id: &str, time: i64) -> Self {
        Self { rule, id: id.into(), time, whereabouts: None, fields: Arc::from([]), explained: false }
    }

    /// The same item with fields.
    pub fn with_fields(mut self, fields: Vec<(String, String)>) -> Self {
        self.fields = fields.into();
        self
    }

    /// The same item at a place.
    pub fn with_place(mut self, zone: Option<&str>, spot: Option<Spot>) -> Self {
        self.whereabouts = match (zone, spot) {
            (None, None) => None,
            (zone, spot) => Some(Arc::new(Whereabouts { zone: zone.map(Arc::from), spot })),
        };
        self
    }

    /// The same item, explained by the plan or not.
    pub fn with_explained(mut self, explained: bool) -> Self {
        self.explained = explained;
        self
    }
}

/// Whether a place relation holds for every or for some pair of points within the radii.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It holds for some pair.
    Possible,
    /// It holds for every pair.
    Certain,
}

impl Certainty {
    /// The name of the wire: `certain` or `possible`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Possible => "possible",
        }
    }
}

/// A change of one correlation alert: new, revised, or gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Index of the correlation in the form.
    pub rule: usize,
    /// Alert id.
    pub id: String,
    /// 1 when new; counts on with every change.
    pub revision: u32,
    /// Group-by names and values.
    pub group: Vec<(String, String)>,
    /// Member ids by event time, then id; empty when gone.
    pub members: Members,
    /// The members that came behind those of the revision before; `None` when other members may have changed too. The
    /// list may be empty: then a member that is an alert itself was revised.
    pub added: Option<Vec<Arc<str>>>,
    /// Event time of the newest member, or of the end an absence waited for, in µs.
    pub at: i64,
    /// The least event time at which one of its firings came out (`at` of that one), in µs; `at` when gone.
    pub since: i64,
    /// Id of the newest member.
    pub newest: Arc<str>,
    /// The weakest certainty of its members; `None` without a place relation.
    pub certainty: Option<Certainty>,
    /// Ids of the rules whose absence made it fire.
    pub absent: Vec<String>,
    /// Alert ids that this one replaces.
    pub supersedes: Vec<String>,
    /// The alert no longer holds.
    pub gone: bool,
    /// The change came from an item that was not the newest of its window.
    pub late: bool,
}
