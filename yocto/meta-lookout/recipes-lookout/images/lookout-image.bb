SUMMARY = "The firmware of a Lookout camera"
DESCRIPTION = "A card for a Raspberry Pi: read-only system in two slots, data partition, boot loader that counts attempts."

IMAGE_FEATURES += "read-only-rootfs"
IMAGE_INSTALL = "\
    kernel-image \
    lookout \
    packagegroup-core-boot \
    packagegroup-lookout-hardware \
    ${@bb.utils.contains('BBFILE_COLLECTIONS', 'openembedded-layer', 'iwd polkit', '', d)} \
"
IMAGE_LINGUAS = ""

inherit lookout core-image

# The slot's file system, which bundles hold too, and the card around it. U-Boot has to read the first.
IMAGE_FSTYPES = "ext4 wic.bmap wic.zst"
# nooelint: oelint.vars.specific,oelint.vars.mispell - an image type, as image.bbclass has them
IMAGE_TYPEDEP:wic = "ext4"
# nooelint: oelint.vars.specific - likewise
EXTRA_IMAGECMD:ext4 = "-i 4096 -m 0 -O ^has_journal,^metadata_csum,^metadata_csum_seed,^orphan_file"
IMAGE_OVERHEAD_FACTOR = "1.0"
IMAGE_ROOTFS_EXTRA_SPACE = "0"
IMAGE_ROOTFS_SIZE = "${@int(d.getVar('ROOT_MIB')) * 1024}"
IMAGE_ROOTFS_MAXSIZE = "${IMAGE_ROOTFS_SIZE}"

WKS_FILE = "lookout.wks.in"
# nooelint: oelint.vars.mispell.unknown - a task of image_types_wic.bbclass
do_image_wic[depends] += "lookout-boot:do_deploy"
# The kernel lies in the slot, not on the boot partition.
# nooelint: oelint.vars.mispell.unknown - of meta-raspberrypi
RPI_EXTRA_IMAGE_BOOT_FILES = "u-boot.bin;${SDIMG_KERNELIMAGE} boot.scr"

UNITS_MASKED = "getty.target getty@tty1.service systemd-networkd-wait-online.service"

# What the image is called, what it mounts, where the boot script finds its kernel, and what it never starts.
lookout_identity() {
    printf 'IMAGE_ID=lookout\nIMAGE_VERSION=%s\n' '${VERSION}' >>${IMAGE_ROOTFS}${nonarch_libdir}/os-release
    mv ${IMAGE_ROOTFS}${datadir}/lookout/fstab ${IMAGE_ROOTFS}${sysconfdir}/fstab
    ln -s $(basename ${IMAGE_ROOTFS}/boot/${KERNEL_IMAGETYPE}-*) ${IMAGE_ROOTFS}/boot/vmlinuz
    rm -f ${IMAGE_ROOTFS}${sysconfdir}/hostname
    touch ${IMAGE_ROOTFS}${nonarch_libdir}/clock-epoch
    for unit in ${UNITS_MASKED}; do
        ln -sf /dev/null ${IMAGE_ROOTFS}${sysconfdir}/systemd/system/$unit
    done
}
lookout_identity[doc] = "Gives the image its name, mounts and kernel"
ROOTFS_POSTPROCESS_COMMAND += "lookout_identity"
