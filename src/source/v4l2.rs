//! A V4L2 camera: memory-mapped streaming, freshest frame first.
