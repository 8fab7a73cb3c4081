# Chooses the slot, counts the attempt, and starts its kernel. RAUC's BOOT_ORDER, BOOT_A_LEFT and BOOT_B_LEFT stand in two copies in
# raw sectors, in the layout that fw_setenv writes (checksum, generation, data), and this script alone handles them, so
# that any U-Boot will do: each write goes to the older copy, and a power cut in the middle of it leaves the other.
#
# devtype, devnum and distro_bootpart are given by U-Boot.

setenv BOOT_ORDER "A B"
setenv BOOT_A_LEFT @BOOT_ATTEMPTS@
setenv BOOT_B_LEFT @BOOT_ATTEMPTS@

# Copies at a and b. env(1) knows no generation: it is given data whose checksum has moved up by one byte, in its place.
setexpr base ${kernel_addr_r} \& 0xf0000000
setexpr kernel_unpacked ${base} + 0x0a000000
setexpr ramdisk_addr ${base} + 0x0e000000
setexpr a ${ramdisk_addr} + 0
setexpr b ${ramdisk_addr} + 0x100000
setexpr sum ${ramdisk_addr} + 0x200000
setexpr env_sectors @ENV_BYTES@ / 0x200
setexpr env_bytes @ENV_BYTES@ - 1
setexpr sector_a @ENV_OFFSET_A@ / 0x200
setexpr sector_b @ENV_OFFSET_B@ / 0x200

${devtype} dev ${devnum}
setenv newest none
setenv generation 0
for copy in a b; do
    if test ${copy} = a; then setenv at ${a}; setenv sector ${sector_a}; else setenv at ${b}; setenv sector ${sector_b}; fi
    if ${devtype} read ${at} ${sector} ${env_sectors}; then
        setexpr place ${at} + 4
        setexpr.b found *${place}
        cp.b ${at} ${sum} 4
        setexpr place ${at} + 1
        cp.b ${sum} ${place} 4
        if env import -c ${place} ${env_bytes} BOOT_CHECK; then
            setexpr next ${generation} + 1
            setexpr next ${next} \& 0xff
            if test ${newest} = none || test ${found} = ${next}; then setenv newest ${copy}; setenv generation ${found}; fi
        fi
    fi
done
if test ${newest} = none; then
    echo "no environment is whole: starting with the first slot"
    setenv older ${sector_a}
elif test ${newest} = a; then
    setexpr place ${a} + 1
    setenv older ${sector_b}
else
    setexpr place ${b} + 1
    setenv older ${sector_a}
fi
test ${newest} = none || env import -c ${place} ${env_bytes} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT

setenv slot
for candidate in ${BOOT_ORDER}; do
    if test -z "${slot}"; then
        if test ${candidate} = A && test 0x${BOOT_A_LEFT} -gt 0; then
            setenv slot A; setenv part 2; setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
        elif test ${candidate} = B && test 0x${BOOT_B_LEFT} -gt 0; then
            setenv slot B; setenv part 3; setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        fi
    fi
done
if test -z "${slot}"; then
    echo "no slot has an attempt left: all get theirs anew"
    setenv BOOT_A_LEFT @BOOT_ATTEMPTS@
    setenv BOOT_B_LEFT @BOOT_ATTEMPTS@
fi

setexpr generation 0x${generation} + 1
setexpr generation ${generation} \& 0xff
setexpr place ${a} + 1
env export -c -s ${env_bytes} ${place} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
cp.b ${place} ${sum} 4
cp.b ${sum} ${a} 4
setexpr place ${a} + 4
mw.b ${place} ${generation} 1
${devtype} write ${a} ${older} ${env_sectors} || echo "the attempt cannot be counted"
test -n "${slot}" || reset

setenv console ttyS1,115200
test "${board}" = qemu-arm && setenv console ttyAMA0
setenv bootargs "root=PARTUUID=@DISK_SIGNATURE@-0${part} ro rootwait=30 rauc.slot=${slot} console=tty1 console=${console} quiet panic=10 oops=panic"
echo "slot ${slot}, attempts left: A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT}"
setenv kernel_comp_addr_r ${kernel_unpacked}
# A kernel that has its drivers built in comes without a ramdisk.
setenv ramdisk -
if load ${devtype} ${devnum}:${part} ${ramdisk_addr} /boot/initrd.img; then setenv ramdisk ${ramdisk_addr}:${filesize}; fi
if load ${devtype} ${devnum}:${part} ${kernel_addr_r} /boot/vmlinuz; then
    setenv kernel_comp_size ${filesize}
    booti ${kernel_addr_r} ${ramdisk} ${fdt_addr}
fi
echo "slot ${slot} does not start"
reset
