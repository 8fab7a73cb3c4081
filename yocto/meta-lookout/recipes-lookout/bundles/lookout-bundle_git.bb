SUMMARY = "Signed update of a Lookout camera"
DESCRIPTION = "A RAUC bundle in verity format that holds the system of lookout-image."

# RAUC_KEY_FILE and RAUC_CERT_FILE name who signs; neither is part of this project.
SRC_URI = ""

inherit lookout bundle

RAUC_BUNDLE_COMPATIBLE = "${COMPATIBLE}"
RAUC_BUNDLE_VERSION = "${VERSION}"
RAUC_BUNDLE_FORMAT = "verity"
RAUC_BUNDLE_SLOTS = "rootfs"
# nooelint: oelint.vars.mispell.unknown - the slot that RAUC_BUNDLE_SLOTS names
RAUC_SLOT_rootfs = "lookout-image"
# nooelint: oelint.vars.mispell.unknown
RAUC_SLOT_rootfs[fstype] = "ext4"
# nooelint: oelint.vars.mispell.unknown
RAUC_SLOT_rootfs[rename] = "root.ext4"
BUNDLE_ARGS = "--mksquashfs-args='-comp zstd -Xcompression-level 12'"
