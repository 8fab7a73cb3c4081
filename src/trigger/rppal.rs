//! The PIR sensor on a Raspberry Pi's header, by BCM number.
