# shellcheck shell=bash
# What the build scripts of other systems share: Debian's packages, and Debian's Rust, whose std has its source beside it.
# To be read by `.`, in the project's folder.

# Installs what is missing; ends with 77 where that cannot be done.
need() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing, and not root on Debian: ${missing[*]}" >&2
        exit 77
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian's cargo with Debian's rustc, whatever else is in the path. Building std needs an unstable flag.
debian_cargo() {
    env -u RUSTC -u RUSTC_WRAPPER -u RUSTUP_TOOLCHAIN PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 /usr/bin/cargo "$@"
}
