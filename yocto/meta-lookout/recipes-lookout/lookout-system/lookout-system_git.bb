SUMMARY = "What a Lookout image is beside its service"
DESCRIPTION = "Users, units, settings of the system, RAUC's configuration and keyring: board/image/rootfs, with the facts of board/ filled in."

SRC_URI = "\
    ${@lookout_boards(d)} \
    ${@lookout_files(d)} \
"

inherit lookout systemd useradd

LOOKOUT_TEMPLATES = "rootfs"

# The certificates whose bundles devices take; never part of this project.
RAUC_KEYRING_FILE ??= ""
do_install[file-checksums] += "${@d.getVar('RAUC_KEYRING_FILE') + ':True' if d.getVar('RAUC_KEYRING_FILE') else ''}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    [ -n "${RAUC_KEYRING_FILE}" ] || bbfatal "RAUC_KEYRING_FILE names no file: which bundles are devices to take?"
    cp -R --no-dereference --preserve=mode ${S}/rootfs/. ${D}
    for link in ${@lookout_links(d)}; do
        install -d $(dirname ${D}${link#*=})
        ln -s ${link%%=*} ${D}${link#*=}
    done
    install -Dm 0644 ${RAUC_KEYRING_FILE} ${D}${sysconfdir}/rauc/keyring.pem
    install -d ${D}${datadir}/lookout
    mv ${D}${sysconfdir}/fstab ${D}${datadir}/lookout/fstab

    install -Dm 0644 ${S}/board/facts ${D}${nonarch_libdir}/lookout/facts
    for facts in ${S}/board/*/facts; do
        board=$(basename $(dirname $facts))
        install -Dm 0644 $facts ${D}${nonarch_libdir}/lookout/boards/$board
    done

    # Where the partitions are mounted, and what the second begins with.
    install -d ${D}/boot/firmware ${D}/data ${D}/data/systemd ${D}${localstatedir}/lib/iwd
    install -d -m 0700 ${D}/data/iwd ${D}/data/rauc ${D}/data/ssh
    install -d -m 0750 -o lookout -g lookout ${D}/data/lookout
    chown -R root:root ${D}${sysconfdir} ${D}${prefix}
}

USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system gpio; --system netdev; --gid ${SERVICE_UID} lookout"
USERADD_PARAM:${PN} = "--uid ${SERVICE_UID} --gid lookout --groups gpio,video --home-dir /data/lookout --no-create-home --shell ${sbindir}/nologin lookout"

SYSTEMD_SERVICE:${PN} = "lookout-grow.service lookout-network.service lookout-provision.service lookout-ssh.service"

FILES:${PN} += "\
    /boot/firmware \
    /data \
    ${nonarch_libdir}/lookout \
    ${nonarch_libdir}/sysusers.d \
    ${systemd_system_unitdir} \
"

RDEPENDS:${PN} += "\
    ca-certificates \
    dosfstools \
    dropbear \
    e2fsprogs-e2fsck \
    e2fsprogs-resize2fs \
    libubootenv-bin \
    rauc \
    util-linux-partx \
    util-linux-sfdisk \
"
# RAUC's configuration is among the files of rootfs/.
RPROVIDES:${PN} += "virtual-rauc-conf"
