//! Lookout: the service of a motion-sensing camera. Modules in the order in which data travels.

pub use lookout_core::clock;
pub use lookout_core::limits;
pub mod heap;
pub mod pages;

pub use lookout_core::frame;
pub mod trigger;

pub mod identity;

pub use lookout_core::encoder;
pub use lookout_core::motion;
pub mod source;

pub mod event;

pub mod store;
pub mod wire;
pub mod records;

pub mod board;
pub mod bus;
pub mod hub;
pub mod logs;
pub mod status;
pub mod media;

pub mod pipeline;
pub mod recorder;

pub mod health;
pub mod network;
pub mod ota;
pub mod web;

pub mod config;
pub mod budget;

pub mod provision;

pub mod app;
pub mod commands;
