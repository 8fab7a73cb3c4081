//! Index of commands.

fn main() {}
