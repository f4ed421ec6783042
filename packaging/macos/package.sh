#!/usr/bin/env bash
# Makes the package for macOS, on a Mac: packaging/macos/package.sh
#
# One program for both processors is built (rustup targets aarch64-apple-darwin and x86_64-apple-darwin) and packed for
# Installer and MDM. Signing, each if it is set: INTERDICT_CODESIGN, an identity "Developer ID Application: …" for the program;
# INTERDICT_PRODUCTSIGN, an identity "Developer ID Installer: …" for the package; then INTERDICT_SIGN, as everywhere
# (packaging/common.sh), for example to notarise it.
# Elsewhere it ends with 77; --layout PROGRAM lays out on any system what the package would hold: target/packages/macos/root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/common.sh

work=$packages/macos
root=$work/root

put() { # MODE FILE PLACE; Apple's install knows no -D
    mkdir -p "$root$(dirname "$3")"
    install -m "$1" "$2" "$root$3"
}

layout() {
    rm -rf "$work"
    mkdir -p "$work"
    make_pages
    packaging/bill.py sbom aarch64-apple-darwin >"$work/sbom.cdx.json"
    packaging/bill.py notice aarch64-apple-darwin >"$work/NOTICE"
    local share=/usr/local/share page
    put 755 "$1" /usr/local/bin/interdict
    for page in "$packages"/pages/man/*.1; do
        put 644 "$page" "$share/man/man1/${page##*/}"
    done
    put 644 "$packages/pages/completions/_interdict" "$share/zsh/site-functions/_interdict"
    put 644 "$packages/pages/completions/interdict.bash" /usr/local/etc/bash_completion.d/interdict
    for page in README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$work/NOTICE" "$work/sbom.cdx.json"; do
        put 644 "$page" "$share/doc/interdict/${page##*/}"
    done
    put 755 packaging/macos/uninstall.sh "$share/interdict/uninstall.sh"
    put 644 packaging/config.toml "/Library/Application Support/interdict/config.example.toml"
}

if [ "${1:-}" = --layout ]; then
    layout "$2"
    exit
fi
for tool in pkgbuild productbuild codesign lipo; do
    command -v "$tool" >/dev/null && continue
    echo "no $tool: a package for macOS can be made on a Mac only" >&2
    exit 77
done

built=()
for target in aarch64-apple-darwin x86_64-apple-darwin; do
    cargo build --release --locked --quiet --bin interdict --target "$target"
    built+=("${CARGO_TARGET_DIR:-target}/$target/release/interdict")
done
mkdir -p target/macos
lipo -create "${built[@]}" -output target/macos/interdict
[ -z "${INTERDICT_CODESIGN:-}" ] ||
    codesign --force --sign "$INTERDICT_CODESIGN" --identifier interdict --options runtime --timestamp target/macos/interdict

layout target/macos/interdict
out=$packages/interdict-$version.pkg
pkgbuild --quiet --root "$root" --scripts packaging/macos/scripts --ownership recommended --install-location / \
    --identifier interdict --version "$version" "$work/component.pkg"
sign_package=()
[ -z "${INTERDICT_PRODUCTSIGN:-}" ] || sign_package=(--sign "$INTERDICT_PRODUCTSIGN")
productbuild --quiet --package "$work/component.pkg" ${sign_package[@]+"${sign_package[@]}"} "$out"
done_with "$out"
