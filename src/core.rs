//! What looks at pixels, and what that stands on: a crate of its own, because it is built for speed and everything else for size
//! (the profiles of `Cargo.toml` say how). `lookout` shows these modules as its own.

pub mod limits;
pub mod clock;

pub mod frame;
pub mod motion;
pub mod encoder;

mod schema;
