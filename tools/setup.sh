# setup.sh - what ./run and ./test share: install what is missing, build. POSIX sh, sourced.
# SPDX-License-Identifier: Apache-2.0

say() { printf '%s\n' "$*" >&2; }
die() { say "posthorn: $*"; exit 1; }

# To build the program.
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config python3-minimal libevent-dev libssl-dev libunbound-dev nettle-dev libcurl4-openssl-dev libsqlite3-dev
    libpq-dev libargon2-dev libidn2-dev libmaxminddb-dev zlib1g-dev dns-root-data ca-certificates curl"

# Prints those of "$@" that dpkg does not have.
missing_packages() {
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

# Become root for apt-get: nothing when we are, sudo when there is one.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 127
    fi
}

install_packages() {
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    command -v apt-get >/dev/null 2>&1 || die "needs these packages and finds no apt-get to install them: $missing"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 || die "needs root or sudo to install: $missing"
    say "Installing with apt-get: $missing"
    log=$(mktemp)
    # A package list that is there may be good enough; only when it is not, fetch a new one.
    install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
    # shellcheck disable=SC2086
    if ! as_root $install $missing >"$log" 2>&1; then
        as_root apt-get update -q >>"$log" 2>&1 && as_root $install $missing >>"$log" 2>&1 || {
            tail -n 5 "$log" >&2
            rm -f "$log"
            die "apt-get could not install: $missing"
        }
    fi
    rm -f "$log"
}

# build_in FOLDER TARGETS MESON-OPTIONS...: configure once, build what changed, quiet unless it fails.
build_in() {
    folder=$1 targets=$2
    shift 2
    log=$(mktemp)
    if [ ! -f "$folder/build.ninja" ]; then
        say "Configuring $folder ..."
        rm -rf "$folder"
        meson setup "$folder" "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "meson could not configure $folder"; }
    fi
    # shellcheck disable=SC2086
    if ! ninja -n -C "$folder" $targets 2>/dev/null | grep -q 'no work to do'; then
        say "Building $folder ..."
        # shellcheck disable=SC2086
        ninja -C "$folder" $targets >"$log" 2>&1 || { grep -v '^\[' "$log" | tail -n 40 >&2; rm -f "$log"; die "the build failed"; }
    fi
    rm -f "$log"
}
