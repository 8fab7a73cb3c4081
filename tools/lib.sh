# shellcheck shell=bash
# What tools/run and tools/test share: saying, installing what is missing, finding a Rust that is new enough.
# Sourced, with `set -euo pipefail` in force and the project's folder as working directory.

packages_missing=()

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# as_root WHY COMMAND...: runs COMMAND as root, directly or by sudo.
as_root() {
    local why=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "root is needed $why, and there is no sudo here: run this once as root"
    fi
}

# need PACKAGE WHY TEST...: asks for PACKAGE unless the command TEST succeeds.
need() {
    local package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        say "installing $package: $why"
        packages_missing+=("$package")
    fi
}

# Installs what was asked for; nothing, and quickly, when nothing was.
install_needed() {
    [ ${#packages_missing[@]} -gt 0 ] || return 0
    have apt-get || die "there is no apt-get here: install by hand what gives ${packages_missing[*]}"
    apt_get update
    apt_get install "${packages_missing[@]}"
    packages_missing=()
}

apt_get() {
    local verb=$1 lock
    shift
    exec {lock}<tools/lib.sh && flock "$lock" # apt waits for others where it installs, not where it updates
    as_root "for apt-get $verb $*" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$verb" -y --no-install-recommends "$@" >/dev/null ||
        die "apt-get $verb failed; its reason stands above"
    exec {lock}>&-
}

# What the crates with native parts need: a linker for all, libclang for the bindings of V4L2.
need_compiler() {
    need gcc "links the program" have cc
    need libc6-dev "C headers, V4L2's among them" test -e /usr/include/linux/videodev2.h
    need libclang-dev "the v4l crate reads V4L2's headers with it" have_libclang
}

have_libclang() {
    [ -z "${LIBCLANG_PATH:-}" ] || return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' && compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h'
}

# The programs that tests start.
need_test_tools() {
    need ffmpeg "turns footage into clips that tests replay" have ffmpeg
    need rauc "installs the bundles that tests make" have rauc
    need squashfs-tools "is what they are made of" have mksquashfs
    need dbus "carries what is asked of it" have dbus-daemon
    need openssl "makes the keys that sign them" have openssl
}

# The oldest Rust that Cargo.toml allows.
rust_version_min() {
    sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' Cargo.toml
}

# version_reaches HAVE WANT: whether HAVE is WANT or newer.
version_reaches() {
    [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# rust_found: whether cargo and rustc run and are new enough.
rust_found() {
    local tool version
    for tool in cargo rustc; do
        version=$("$tool" --version 2>/dev/null | cut -d ' ' -f 2) || return 1
        version_reaches "${version%%-*}" "$(rust_version_min)" || return 1
    done
}

# Puts a Rust that is new enough on the PATH: the one that is there, else by rustup, else by the distribution.
need_rust() {
    [ ! -d "${CARGO_HOME:-$HOME/.cargo}/bin" ] || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    if rust_found || rust_by_rustup || rust_by_apt; then
        return 0
    fi
    die "Rust $(rust_version_min) or newer is needed, and neither rustup's server nor this system's package sources give it:" \
        "install it as https://rustup.rs says (or from the backports of a newer release), then run this again"
}

rust_by_rustup() {
    say "installing Rust by rustup into ${CARGO_HOME:-$HOME/.cargo}: version $(rust_version_min) or newer is needed"
    if have rustup; then
        rustup toolchain install stable --profile minimal >&2 || return 1
        export RUSTUP_TOOLCHAIN=stable
    else
        fetch_rustup || return 1
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    rust_found
}

# Downloads rustup's installer, checks its sum and runs it; its files stay in the home directory, the shell's start files as they are.
fetch_rustup() {
    local triple url folder status=0
    case $(dpkg --print-architecture 2>/dev/null || uname -m) in
        amd64 | x86_64) triple=x86_64-unknown-linux-gnu ;;
        arm64 | aarch64) triple=aarch64-unknown-linux-gnu ;;
        armhf) triple=armv7-unknown-linux-gnueabihf ;;
        *) return 1 ;;
    esac
    need curl "downloads rustup" have curl
    need ca-certificates "tells rustup's server from another" test -e /etc/ssl/certs/ca-certificates.crt
    install_needed
    url=${RUSTUP_UPDATE_ROOT:-https://static.rust-lang.org/rustup}/dist/$triple/rustup-init
    folder=$(mktemp -d)
    (
        cd "$folder" &&
            curl --fail --silent --show-error --location --retry 2 --connect-timeout 10 --remote-name-all "$url" "$url.sha256" &&
            echo "$(cut -d ' ' -f 1 rustup-init.sha256)  rustup-init" | sha256sum --check --quiet &&
            chmod +x rustup-init &&
            ./rustup-init -y --quiet --no-modify-path --profile minimal --default-toolchain stable
    ) >/dev/null || status=1
    rm -r "$folder"
    [ $status = 0 ] || say "rustup's server cannot be reached from here; looking at this system's packages"
    return $status
}

# Debian's and Ubuntu's own Rust where it is new enough: plain, from backports, or (Ubuntu) as rustc-1.NN.
rust_by_apt() {
    have apt-get || return 1
    apt_get update
    local package version release
    read -r package version release < <(apt_rust_newest) || read -r package version release < <(apt_rust_backported) || return 1
    say "installing Rust ${version%%[-+~]*} from $release: version $(rust_version_min) or newer is needed"
    apt_get install --target-release="$release" "$package" "cargo${package#rustc}"
    PATH="/usr/lib/rust${package#rustc}/bin:$PATH"
    rust_found
}

# Package, version and release of the newest Rust offered that is new enough; nothing when none is.
apt_rust_newest() {
    local package version release newest=""
    apt-cache pkgnames rustc | grep -xE 'rustc(-1\.[0-9]+)?' | xargs -r apt-cache madison |
        while IFS='| ' read -r package version _ release _; do
            if version_reaches "${version%%[-+~]*}" "${newest:-$(rust_version_min)}"; then
                newest=${version%%[-+~]*}
                printf '%s %s %s\n' "$package" "$version" "${release%%/*}"
            fi
        done | tail -n 1
}

# The same, with Debian's backports added to the package sources; they stay only if they help, and apt takes from them
# only what is asked for by name.
apt_rust_backported() {
    local ID="" VERSION_CODENAME="" mirror list=/etc/apt/sources.list.d/backports-for-rust.list
    # shellcheck disable=SC1091
    . /etc/os-release
    [ "$ID" = debian ] && [ ! -e $list ] || return 0
    # shellcheck disable=SC2016 # apt fills it in
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $VERSION_CODENAME" | head -n 1)
    say "adding $VERSION_CODENAME-backports to the package sources, as $list: a newer Rust may be there"
    echo "deb ${mirror:-http://deb.debian.org/debian} $VERSION_CODENAME-backports main" | as_root "to write $list" tee $list >/dev/null
    apt_get update
    if [ -z "$(apt_rust_newest)" ]; then
        say "no newer Rust in $VERSION_CODENAME-backports either; removing $list again"
        as_root "to remove $list" rm $list
    fi
    apt_rust_newest
}

# The mirror that this machine's own Debian packages come from.
debian_mirror() {
    local found=${LOOKOUT_DEBIAN_MIRROR:-}
    # shellcheck disable=SC2016 # apt's own variables
    [ -n "$found" ] || found=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' |
        awk '$1 == "Debian" && $3 !~ /security|debug/ { sub("/$", "", $2); print $2; exit }')
    printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# What builds for the Raspberry Pi, which Rust calls $triple from here on.
need_cross() {
    triple=$(sed -n 's/^default-target = "\(.*\)"/\1/p' Cross.toml)
    need_compiler
    need gcc-aarch64-linux-gnu "links for aarch64" have aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross "C library and headers of aarch64" test -e /usr/aarch64-linux-gnu/include/linux/videodev2.h
    install_needed
    need_rust
    if have rustup; then
        rustup --quiet target add "$triple" >&2
    fi
    [ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ] || die "this Rust has no $triple: install it by rustup, which has"
}

# The variables that Cross.toml hands to the container, here.
take_cross_flags() {
    local assignment
    while IFS= read -r assignment; do
        export "${assignment?}"
    done < <(sed -n '/^passthrough = \[/,/^\]/ s/^ *"\([^"]*\)",$/\1/p' Cross.toml)
}

# What boots the image.
need_emulator() {
    need qemu-system-arm "emulates the machine" have qemu-system-aarch64
    need ipxe-qemu "is the ROM of its network card, without which it does not start" test -e /usr/lib/ipxe/qemu/efi-virtio.rom
    need mtools "fills the boot partition" have mcopy
    install_needed
    need qemu-utils "gives the card its layers" have qemu-img # after the above, which may take away one of another version
    install_needed
}
