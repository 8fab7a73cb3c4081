SUMMARY = "Boot script that chooses the slot, and the environment that it begins with"
DESCRIPTION = "U-Boot's script of board/image, and two copies of its variables for raw sectors, in the layout that fw_setenv writes."
COMPATIBLE_MACHINE = "^rpi$"

DEPENDS = "u-boot-mkenvimage-native u-boot-mkimage-native"
PROVIDES += "u-boot-default-script"

SRC_URI = "file://boot.cmd;subdir=${BP}"

INHIBIT_DEFAULT_DEPS = "1"

inherit deploy kernel-arch lookout nopackages

B = "${WORKDIR}/build"

LOOKOUT_TEMPLATES = "boot.cmd"

# environment FILE GENERATION: checksum, generation, data.
environment() {
    printf 'BOOT_ORDER=A\nBOOT_A_LEFT=%d\nBOOT_B_LEFT=0\n' ${BOOT_ATTEMPTS} | mkenvimage -r -s $(printf %d ${ENV_BYTES}) -o $1 -
    printf "\\00$2" | dd of=$1 bs=1 seek=4 conv=notrunc
}
environment[doc] = "Writes a copy of the boot loader's variables"

do_configure[noexec] = "1"

do_compile() {
    mkimage -A ${UBOOT_ARCH} -T script -C none -n lookout -d ${S}/boot.cmd ${B}/boot.scr
    environment ${B}/environment-a 1
    environment ${B}/environment-b 0
}

do_install[noexec] = "1"

do_deploy() {
    install -m 0644 ${B}/boot.scr ${B}/environment-a ${B}/environment-b ${DEPLOYDIR}
}
addtask deploy after do_compile before do_build
