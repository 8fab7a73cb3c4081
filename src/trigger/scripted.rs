//! Edges that a scene or a recording brings with it.
