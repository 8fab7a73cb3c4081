//! Motion and edges over time: the [`model`] of an event and the [`engine`] that makes events. No clock, no I/O:
//! time comes with the input. Writing events down is `store/`, telling of them `hub/`.

pub mod engine;
mod evidence;
pub mod model;
mod running;
