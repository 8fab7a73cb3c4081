//! A recording: frames and edges on one time line, in one file.
