# shellcheck shell=bash
# What the package scripts share: version, time, signing. To be read by `.`, in the project's folder.

# INTERDICT_VERSION and INTERDICT_PACKAGES are for tests: another version of the packages, another folder.
version=${INTERDICT_VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)}
packages=${INTERDICT_PACKAGES:-$PWD/target/packages}
mkdir -p "$packages"

# The time in packages is that of the last commit: the same sources make the same bytes.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)
fi
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

# Signs a finished file with the site's own command, if there is one: INTERDICT_SIGN is called with the file as last argument, and
# may change it or write a signature beside it. With it, packages are no longer the same bytes every time.
sign() {
    [ -z "${INTERDICT_SIGN:-}" ] || sh -c "$INTERDICT_SIGN"' "$1"' sign "$1"
}

done_with() {
    sign "$1"
    echo "${1#"$PWD"/}: $(($(wc -c <"$1"))) bytes, sha256 $({ sha256sum || shasum -a 256; } <"$1" 2>/dev/null | cut -d ' ' -f 1)"
}

# Manual pages and completions, made of the command line: target/packages/pages.
make_pages() {
    rm -rf "$packages/pages"
    cargo run --locked --quiet --example pages -- "$packages/pages"
}
