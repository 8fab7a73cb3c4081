//! detector: to come.

pub(crate) fn run() {}
