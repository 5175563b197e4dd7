//! Correlation windows over rule matches, in event time.
//!
//! The alerts of one key (correlation and group values) are a pure function of its items sorted by event time and id,
//! so that any order of arrival, any split into batches and any restart end in the same alerts with the same ids:
//!
//! - every item `e` looks back on its *window*: itself and the items of `[t(e) - timespan, t(e)]` that stand in the
//!   `place` relation to it (equal times fit either order);
//! - when the condition holds for the window, and at least one of its members is not explained by the plan, `e` *fires*;
//! - firings that share a member are one *alert*, named after its earliest member.
//!
//! In-order arrival extends the last alert; an item that comes late re-evaluates only the windows that see it.

mod absence;
mod alert;
mod arena;
mod beginning;
mod blindness;
mod chunk;
mod city;
mod codec;
mod compile;
mod component;
mod engine;
mod entry;
mod evaluate;
mod expression;
mod forget;
mod form;
mod geometry;
mod globe;
mod group;
mod held;
mod id;
mod item;
mod key;
mod keys;
mod limits;
mod measure;
mod members;
mod name;
mod nearby;
mod order;
mod place;
mod post;
mod presence;
mod publish;
mod quiet;
mod ranks;
mod refusal;
mod relation;
mod row;
mod shelf;
mod slide;
mod snapshot;
mod state;
mod sweep;
mod unread;
mod view;

pub use beginning::Block;
pub use blindness::{Doubt, Stretch};
pub use codec::seal;
pub use engine::Windows;
pub use held::Pending;
pub use id::alert_id;
pub use item::{Certainty, Firing, Item, Spot, Whereabouts};
pub use limits::Limits;
pub use members::Members;
pub use refusal::{Refusal, refusals_json};
pub use relation::{Part, Relation, Relations};
pub use row::row_name;
pub use shelf::{KeyRange, Shelf, StoredRow};
pub use state::StateError;
