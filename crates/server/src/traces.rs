//! OpenTelemetry: one trace of a message from frame to delivery. Without the feature `otlp` everything
//! here has no size and does nothing.
//!
//! The spans, and each one's parent: `receive` (a frame is read or a request came, until it is with the
//! writer) → `queue`, `append`, `commit`; `commit` → `reply` and, once a shard, `fan_out`; `fan_out` →
//! `write`. A commit carries several messages and is a span in the trace of each, with links to the
//! others. Attributes are numbers: of people, rooms and texts a trace knows nothing.

#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod on;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "otlp")]
mod setting;

#[cfg(not(feature = "otlp"))]
pub(crate) use off::{Exporting, Fanning, Parent, Reading, Traces};
#[cfg(feature = "otlp")]
pub(crate) use on::{Fanning, Parent, Reading, Traces};
#[cfg(feature = "otlp")]
pub(crate) use otlp::Exporting;
#[cfg(feature = "otlp")]
pub use setting::collector;
