//! What looks at pixels, and the ground that it stands on: floors 0 to 2 of the service as a crate of their own, because it is built for
//! speed and everything else for size (the profiles of `Cargo.toml` say how). `lookout` shows these modules as its own.

pub mod limits;
pub mod clock;

pub mod frame;
pub mod motion;

mod schema;
