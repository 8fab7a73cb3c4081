SUMMARY = "Kernel modules and firmware that a Lookout image carries"
DESCRIPTION = "The modules of board/image/modules as far as this kernel has them as modules, those of cameras on the ribbon, and the firmware of the board's Wi-Fi."

# The kernel and the firmware are the machine's.
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit lookout packagegroup

# Receiver and sensors of recipes-kernel/linux/files/cameras.cfg.
# nooelint: oelint.vars.mispell.unknown - used below
CAMERA_MODULES = "bcm2835-unicam bcm2835-unicam-legacy imx219 imx477 imx708 ov5647 ov7251 ov9282"

def module_packages(names):
    return ' '.join('kernel-module-' + name.replace('_', '-') for name in names)

RRECOMMENDS:${PN} = "\
    ${@module_packages(lookout_words(d, 'board/image/modules'))} \
    ${@module_packages(d.getVar('CAMERA_MODULES').split())} \
    ${@' '.join(name for name in (d.getVar('MACHINE_EXTRA_RRECOMMENDS') or '').split() if name.startswith('linux-firmware'))} \
    wireless-regdb-static \
"
