FILESEXTRAPATHS:prepend:lookout-firmware := "${THISDIR}/files:"

SRC_URI:append:lookout-firmware = " \
    file://cameras.cfg \
    file://simulated.cfg \
    file://updates.cfg \
"

# Overlays that switch a camera on, beyond those that the machine has.
# nooelint: oelint.vars.mispell.unknown - of meta-raspberrypi
RPI_KERNEL_DEVICETREE_OVERLAYS:append:lookout-firmware = " overlays/ov5647.dtbo overlays/ov7251.dtbo overlays/ov9281.dtbo"
