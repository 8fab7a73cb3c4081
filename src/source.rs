//! The cameras that ship, each a [`FrameSource`](crate::frame::FrameSource): which one is meant, and opening it.

pub mod recording;
pub mod replay;
pub mod scene;
pub mod v4l2;
