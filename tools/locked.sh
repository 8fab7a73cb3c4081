# shellcheck shell=bash
# The versions of Debian's packages that the image is made of: asked for as board/image/packages.lock names them, from wherever they can
# still be had. Read by tools/image, which has the pins of suites.

readonly suite=trixie next=forky
readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly versions=board/image/packages.lock
# Every state that Debian's mirrors ever had, by its time (https://snapshot.debian.org).
readonly archive=${LOOKOUT_DEBIAN_ARCHIVE:-https://snapshot.debian.org/archive}

# Whether others are refused.
locked_only=0

# Names and versions.
locked() {
    grep -v '^#' "$versions"
}

# When the mirrors had all of them, as the archive writes times.
locked_at() {
    sed -n 's/^# Debian as of \([0-9TZ]*\).*/\1/p' "$versions"
}

# A pin for each: apt takes that version though there be newer ones, and the newest where there is no such version.
locked_pins() {
    local name version
    locked | while read -r name version; do
        printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "$name" "$version"
    done
}

# choose_sources FOLDER MIRROR: writes FOLDER/sources, by FOLDER/pins: the mirror while it has all that is locked; else the archive,
# as of the lock's time; else the mirror with what it has, unless only the locked will do.
choose_sources() {
    local work=$1 mirror=$2 at
    sources "$mirror" "$mirror-security" >"$work/sources"
    if offered_wholly "$work"; then
        return
    fi
    at=$(locked_at)
    say "$mirror has not, or no longer, $(wc -l <"$work/missing") of the locked packages; looking into $archive as of $at"
    sources "$archive/debian/$at" "$archive/debian-security/$at" check-valid-until=no >"$work/sources"
    if offered_wholly "$work"; then
        return
    fi
    [ $locked_only = 0 ] || die "the locked packages cannot be had:" "$(cat "$work/missing")"
    sources "$mirror" "$mirror-security" >"$work/sources"
}

# sources DEBIAN SECURITY [OPTION]: where apt finds the suites. The next suite's lists are valid for a week, which a mirror that lags outlasts.
sources() {
    local form="deb [signed-by=$debian_keyring${3:+ $3}] %s %s main non-free-firmware\n"
    # shellcheck disable=SC2059 # one form for all
    printf "$form" "$1" "$suite" "$1" "$suite-updates" "$1" "$suite-backports" "$2" "$suite-security"
    printf "deb [signed-by=$debian_keyring check-valid-until=no] %s %s main\n" "$1" "$next"
}

# offered_wholly FOLDER: whether apt finds there all that is locked; else FOLDER/missing says what not.
offered_wholly() {
    local work=$1 apt=$1/root
    rm -rf "$apt" && mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,parts}
    : >"$apt/status"
    cat >"$apt/apt.conf" <<END
Dir::Etc::SourceList "$work/sources";
Dir::Etc::SourceParts "$apt/parts";
Dir::Etc::Preferences "$work/pins";
Dir::Etc::PreferencesParts "$apt/parts";
Dir::State "$apt/state";
Dir::State::Status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "0";
END
    locked >"$work/missing"
    APT_CONFIG=$apt/apt.conf apt-get -qq update --error-on=any >"$apt/log" 2>&1 || return 1
    # shellcheck disable=SC2046 # a list
    APT_CONFIG=$apt/apt.conf apt-cache policy $(locked | cut -d ' ' -f 1) |
        awk '/^[^ ]/ { sub(":$", ""); name = $1 } $1 == "Candidate:" { print name, $2 }' | sort >"$apt/candidates"
    locked | sort | comm -23 - "$apt/candidates" >"$work/missing"
    [ ! -s "$work/missing" ]
}

# what_was_installed FILE: FILE lists names and versions; it becomes a lock as of now.
what_was_installed() {
    {
        printf '# Debian as of %s, when its mirrors had all of these: what the image is made of, and what it was tested with.\n' "$(date -u +%Y%m%dT%H%M%SZ)"
        sort "$1"
    } >"$1.new"
    mv "$1.new" "$1"
}

# is_locked FILE: whether what FILE lists is what is locked; says what is not.
is_locked() {
    local others
    others=$(diff -U 0 <(locked) <(grep -v '^#' "$1") | grep '^[-+][a-z]' || true)
    [ -n "$others" ] || return 0
    say "THIS IS NOT THE LOCKED IMAGE. Locked (-) and installed (+):"$'\n'"$others"
    say "once it is tested, $1 may take the place of $versions"
    return 1
}
