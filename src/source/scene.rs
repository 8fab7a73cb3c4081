//! A rendered scene with known truth: the demo, and the fault injector.
