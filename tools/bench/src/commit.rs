//! commit: to come.

pub(crate) fn run() {}
