#!/usr/bin/env bash
# Makes packages for Linux out of target/linux/interdict: packaging/linux/package.sh [deb] [rpm] [tar]    (all three without)
#
# The program is built by packaging/linux/build.sh where it is missing; build it anew after a change. Packages are written to
# target/packages. Two runs make the same bytes. INTERDICT_SIGN and SOURCE_DATE_EPOCH: packaging/common.sh.
# Ends with 77 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/common.sh

program=target/linux/interdict
[ -x "$program" ] || packaging/linux/build.sh
target=x86_64-unknown-linux-gnu
work=$packages/linux
# Before a release: 1.2.0-rc.1 is older than 1.2.0.
release=${version/-/\~}

tool() {
    command -v "$1" >/dev/null && return
    echo "no $1 (Debian package $2)" >&2
    exit 77
}

# Puts a file in its place, readable for all: put MODE FILE PLACE
put() { install -D -m "$1" "$2" "$work/$3"; }
squeezed() { install -d "$work/$(dirname "$2")" && gzip -9nc "$1" >"$work/$2"; }

# What all packages hold: the folders docs and bill.
prepare() {
    rm -rf "$work"
    mkdir -p "$work/bill"
    make_pages
    packaging/bill.py sbom "$target" >"$work/bill/sbom.cdx.json"
    packaging/bill.py notice "$target" >"$work/bill/NOTICE"
}

# The tree of a system; $1 is its folder, $2 where zsh looks for completions.
tree() {
    put 755 "$program" "$1/usr/bin/interdict"
    put 644 packaging/config.toml "$1/etc/interdict/config.toml"
    # Reports name everybody's software.
    install -d -m 700 "$work/$1/var/lib/interdict"
    local unit page
    for unit in interdict.service interdict.timer; do
        put 644 "packaging/linux/$unit" "$1/usr/lib/systemd/system/$unit"
    done
    for page in "$packages"/pages/man/*.1; do
        squeezed "$page" "$1/usr/share/man/man1/${page##*/}.gz"
    done
    put 644 "$packages/pages/completions/interdict.bash" "$1/usr/share/bash-completion/completions/interdict"
    put 644 "$packages/pages/completions/interdict.fish" "$1/usr/share/fish/vendor_completions.d/interdict.fish"
    put 644 "$packages/pages/completions/_interdict" "$1/usr/share/zsh/$2/_interdict"
    local doc=$1/usr/share/doc/interdict
    documents "$doc"
    put 644 "$work/bill/sbom.cdx.json" "$doc/sbom.cdx.json"
}

documents() {
    local file
    put 644 README.md "$1/README.md"
    for file in docs/*.md docs/*.json; do
        put 644 "$file" "$1/$file"
    done
}

# Files and folders get the time of the packages.
settle() { find "$work/$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +; }

deb() {
    tool dpkg-deb dpkg
    tree deb vendor-completions
    local doc=deb/usr/share/doc/interdict script
    squeezed CHANGELOG.md "$doc/changelog.gz"
    printf 'interdict (%s-1) unstable; urgency=medium\n\n  * Release %s: see changelog.gz.\n\n -- %s  %s\n' "$release" "$version" \
        "The interdict authors <interdict@example.invalid>" "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" >"$work/changelog"
    squeezed "$work/changelog" "$doc/changelog.Debian.gz"
    squeezed "$work/bill/NOTICE" "$doc/NOTICE.gz"
    sed -e 's/^$/./; s/^/ /' LICENSE-MIT | sed -e '/@MIT@/{r /dev/stdin' -e 'd}' packaging/linux/debian/copyright >"$work/copyright"
    put 644 "$work/copyright" "$doc/copyright"
    put 644 packaging/linux/debian/lintian-overrides deb/usr/share/lintian/overrides/interdict

    mkdir "$work/deb/DEBIAN"
    for script in postinst prerm postrm; do
        put 755 "packaging/linux/debian/$script" "deb/DEBIAN/$script"
    done
    echo /etc/interdict/config.toml >"$work/deb/DEBIAN/conffiles"
    (cd "$work/deb" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$work/deb-sums"
    put 644 "$work/deb-sums" deb/DEBIAN/md5sums
    cat >"$work/deb/DEBIAN/control" <<-END
	Package: interdict
	Version: $release-1
	Architecture: amd64
	Maintainer: The interdict authors <interdict@example.invalid>
	Installed-Size: $(($(find "$work/deb" -type f -not -path '*/DEBIAN/*' -printf '%s\n' | awk '{ sum += int(($1 + 4095) / 4096) * 4 } END { print sum }')))
	Depends: libc6 (>= 2.17)
	Section: admin
	Priority: optional
	Homepage: https://example.invalid/interdict
	Description: finds software of prohibited vendors on a computer
	 interdict looks at the packages, programs, services, drivers, extensions and
	 devices of a computer and says whether software of a vendor is there that a
	 law or a policy prohibits, how it is known, and what could not be seen. It
	 reads; it changes nothing and needs no network.
	 .
	 A scan that runs every day: interdict schedule install --daily
	END
    settle deb
    local out=$packages/interdict_$release-1_amd64.deb
    dpkg-deb --root-owner-group -Zxz --build "$work/deb" "$out" >/dev/null
    done_with "$out"
}

rpm() {
    tool rpmbuild rpm
    tree rpm site-functions
    put 644 CHANGELOG.md rpm/usr/share/doc/interdict/CHANGELOG.md
    local file
    for file in LICENSE-APACHE LICENSE-MIT "$work/bill/NOTICE"; do
        put 644 "$file" "rpm/usr/share/licenses/interdict/${file##*/}"
    done
    settle rpm
    rpmbuild -bb --quiet --target x86_64-linux --define "_topdir $work/rpmbuild" --define "stage $work/rpm" \
        --define "upstream $release" --define "changed $(date --utc --date="@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
        packaging/linux/interdict.spec
    local out=$packages/interdict-$release-1.x86_64.rpm
    mv "$work/rpmbuild/RPMS/x86_64/${out##*/}" "$out"
    done_with "$out"
}

tar_gz() {
    local top=interdict-$version-x86_64-linux file
    put 755 "$program" "tar/$top/interdict"
    for file in CHANGELOG.md LICENSE-APACHE LICENSE-MIT packaging/config.toml packaging/linux/interdict.service \
        packaging/linux/interdict.timer "$work"/bill/*; do
        put 644 "$file" "tar/$top/${file##*/}"
    done
    documents "tar/$top"
    install -d "$work/tar/$top/man" "$work/tar/$top/completions"
    install -m 644 "$packages"/pages/man/* "$work/tar/$top/man"
    install -m 644 "$packages"/pages/completions/{_interdict,interdict.bash,interdict.fish} "$work/tar/$top/completions"
    local out=$packages/$top.tar.gz
    tar -C "$work/tar" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "$top" |
        gzip -9n >"$out"
    done_with "$out"
}

prepare
[ $# -gt 0 ] || set -- deb rpm tar
for kind in "$@"; do
    case $kind in
    deb) deb ;;
    rpm) rpm ;;
    tar) tar_gz ;;
    *)
        echo "no package $kind: deb, rpm, tar" >&2
        exit 2
        ;;
    esac
done
