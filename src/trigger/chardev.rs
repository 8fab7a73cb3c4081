//! The PIR sensor on a line of the kernel's GPIO character device.
