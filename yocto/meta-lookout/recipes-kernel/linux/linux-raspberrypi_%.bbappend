FILESEXTRAPATHS:prepend:lookout-firmware := "${THISDIR}/files:"

SRC_URI:append:lookout-firmware = " \
    file://cameras.cfg \
    file://simulated.cfg \
    file://updates.cfg \
"
