//! Lookout: the service of a motion-sensing camera. Modules in the order in which data travels.

pub mod limits;
pub mod clock;
pub mod heap;

pub mod frame;
pub mod trigger;

pub mod identity;

pub mod motion;
pub mod source;

pub mod event;

mod schema;

pub mod store;
pub mod wire;
pub mod records;

pub mod board;
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
