//! The messages that clients see, as Rust types, with their JSON. What carries them is `hub/` and `web/`.
