//! The first boot.
pub mod last_time;
