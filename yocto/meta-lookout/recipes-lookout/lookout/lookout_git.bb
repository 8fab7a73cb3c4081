SUMMARY = "Motion-sensing camera"
DESCRIPTION = "Reads a V4L2 camera and a PIR sensor, finds motion, keeps events, and tells them over WebSocket and REST, in a fixed memory budget."

# libclang reads the kernel's headers for the v4l crate.
DEPENDS = "clang-native"

require ${BPN}-crates.inc

# The tree that this layer lies in.
SRC_URI += "\
    file://Cargo.lock;subdir=${BP} \
    file://Cargo.toml;subdir=${BP} \
    file://lookout.service;subdir=${BP} \
    file://src;subdir=${BP} \
    file://tools/bench;subdir=${BP} \
"

inherit cargo cargo-update-recipe-crates lookout systemd

LOOKOUT_TEMPLATES = "lookout.service"

export LIBCLANG_PATH = "${STAGING_LIBDIR_NATIVE}"
export BINDGEN_EXTRA_CLANG_ARGS = "--sysroot=${STAGING_DIR_TARGET} --target=${TARGET_SYS}"
# Symbols are split off by the package, not thrown away before it.
export CARGO_PROFILE_RELEASE_STRIP = "none"

do_install:append() {
    install -Dm 0644 ${S}/lookout.service ${D}${systemd_system_unitdir}/lookout.service
}

SYSTEMD_SERVICE:${PN} = "lookout.service"

# Its user, its settings, the board's facts.
RDEPENDS:${PN} += "lookout-system"
