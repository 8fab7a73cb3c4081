//! fanout: to come.

pub(crate) fn run() {}
