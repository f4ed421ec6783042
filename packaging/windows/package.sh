#!/usr/bin/env bash
# Makes packages for Windows out of interdict.exe: packaging/windows/package.sh [msi] [zip]    (both without)
#
# The program is built by packaging/windows/build.sh where it is missing; build it anew after a change. Packages are written to
# target/packages. Two runs make the same bytes. INTERDICT_SIGN and SOURCE_DATE_EPOCH: packaging/common.sh; with INTERDICT_SIGN
# the program inside is signed too. Ends with 77 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/common.sh

target=x86_64-win7-windows-gnu
program=${INTERDICT_EXE:-target/windows/$target/release/interdict.exe}
[ -f "$program" ] || packaging/windows/build.sh
work=$packages/windows

put() { install -D -m 644 "$1" "$work/$2"; }

prepare() {
    rm -rf "$work"
    make_pages
    put "$program" interdict.exe
    sign "$work/interdict.exe"
    # Its own compiler: packaging/debian.sh.
    local rustc=/usr/bin/rustc
    [ -x "$rustc" ] || rustc=rustc
    RUSTC=$rustc packaging/bill.py sbom "$target" >"$work/sbom.cdx.json"
    RUSTC=$rustc packaging/bill.py notice "$target" >"$work/NOTICE.txt"
    put LICENSE-APACHE LICENSE-APACHE.txt
    put LICENSE-MIT LICENSE-MIT.txt
    put README.md README.md
    put packaging/config.toml config.toml
    put "$packages/pages/completions/_interdict.ps1" completion.ps1
    # Editors of old Windows show such lines only.
    sed -i 's/$/\r/' "$work"/*.txt "$work/config.toml"
}

settle() { find "$work" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +; }

msi() {
    if ! command -v wixl >/dev/null || ! command -v msibuild >/dev/null; then
        echo "no wixl or msibuild (Debian packages wixl and msitools)" >&2
        exit 77
    fi
    put packaging/windows/interdict.wxs interdict.wxs
    put packaging/windows/interdict.ico interdict.ico
    settle
    local out=$packages/interdict-$version-x64.msi
    packaging/windows/msi.py "$version" "$work" "$out"
    rm "$work/interdict.wxs" "$work/interdict.ico"
    done_with "$out"
}

zip_file() {
    local top=interdict-$version-x86_64-windows file
    for file in docs/*.md docs/*.json CHANGELOG.md; do
        put "$file" "$file"
    done
    local out=$packages/$top.zip
    python3 - "$work" "$top" "$out" <<'END'
import os, pathlib, sys, time, zipfile
folder, top, out = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(f"{top}/{file.relative_to(folder).as_posix()}", when)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        packed.writestr(entry, file.read_bytes())
END
    done_with "$out"
}

prepare
[ $# -gt 0 ] || set -- msi zip
for kind in "$@"; do
    case $kind in
    msi) msi ;;
    zip) zip_file ;;
    *)
        echo "no package $kind: msi, zip" >&2
        exit 2
        ;;
    esac
done
