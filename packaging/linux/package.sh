#!/usr/bin/env bash
# Makes packages for Linux: packaging/linux/package.sh [deb] [rpm] [tar] [collector-deb] [collector-rpm]    (all without)
#
# They hold target/linux/interdict, or target/linux/interdict-collector: built by packaging/linux/build.sh where one is missing;
# build it anew after a change. Packages are written to target/packages. Two runs make the same bytes. INTERDICT_SIGN and
# SOURCE_DATE_EPOCH: packaging/common.sh. Ends with 77 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/common.sh

target=x86_64-unknown-linux-gnu
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

# Of which program the next packages are, and what all of them hold: pages and bill.
of() {
    name=$1
    program=target/linux/$name
    [ -x "$program" ] || packaging/linux/build.sh "$name"
    case $name in
    interdict) seams=packaging/linux work=$packages/linux pages=$packages/pages ;;
    *) seams=packaging/collector work=$packages/collector pages=$packages/pages/collector ;;
    esac
    [ ! -e "$work/made" ] || return 0
    rm -rf "$work"
    mkdir -p "$work/bill"
    packaging/bill.py sbom "$target" "$name" >"$work/bill/sbom.cdx.json"
    packaging/bill.py notice "$target" "$name" >"$work/bill/NOTICE"
    touch "$work/made"
}

# The tree of a system; $1 is its folder, $2 where zsh looks for completions.
tree() {
    put 755 "$program" "$1/usr/bin/$name"
    local file
    for file in "$seams/$name"*.{service,timer,path}; do
        [ ! -e "$file" ] || put 644 "$file" "$1/usr/lib/systemd/system/${file##*/}"
    done
    for file in "$pages"/man/*.1; do
        squeezed "$file" "$1/usr/share/man/man1/${file##*/}.gz"
    done
    put 644 "$pages/completions/$name.bash" "$1/usr/share/bash-completion/completions/$name"
    put 644 "$pages/completions/$name.fish" "$1/usr/share/fish/vendor_completions.d/$name.fish"
    put 644 "$pages/completions/_$name" "$1/usr/share/zsh/$2/_$name"
    local doc=$1/usr/share/doc/$name
    documents "$doc"
    put 644 "$work/bill/sbom.cdx.json" "$doc/sbom.cdx.json"
    # What a scan or a collector knows names everybody's software.
    install -d -m 700 "$work/$1/var/lib/$name"
    if [ "$name" = interdict ]; then
        put 644 packaging/config.toml "$1/etc/interdict/config.toml"
        # Of dpkg they would be root's; its script makes them.
        [ "$1" = deb ] || install -d "$work/$1/var/lib/interdict/fleet/spool"
    else
        # It may hold a password.
        put 640 packaging/collector/config.toml "$1/etc/$name/config.toml"
        chmod 750 "$work/$1/etc/$name"
    fi
}

documents() {
    local file
    put 644 README.md "$1/README.md"
    for file in docs/*.md docs/*.json; do
        if [ "$name" = interdict ] || [[ $file =~ /(fleet|console|scale|privacy|policies|openapi|report.schema)\. ]]; then
            put 644 "$file" "$1/$file"
        fi
    done
}

# Files and folders get the time of the packages.
settle() { find "$work/$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +; }

# The fields of control that say what it is.
about() {
    case $name in
    interdict)
        cat <<-END
	Depends: libc6 (>= 2.17), passwd
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
        ;;
    *)
        cat <<-END
	Depends: libc6 (>= 2.17), passwd
	Section: admin
	Priority: optional
	Homepage: https://example.invalid/interdict
	Description: keeps what the endpoints of interdict report, and answers for the fleet
	 interdict-collector keeps what every endpoint of a fleet holds, judges it by
	 its own rules, and answers: which computers are non-compliant, what was found
	 where and since when, who has this program, of whom is nothing known.
	 .
	 It is started when it is asked for: systemctl enable --now interdict-collector
	END
        ;;
    esac
}

deb() {
    tool dpkg-deb dpkg
    tree deb vendor-completions
    local doc=deb/usr/share/doc/$name script
    squeezed CHANGELOG.md "$doc/changelog.gz"
    printf '%s (%s-1) unstable; urgency=medium\n\n  * Release %s: see changelog.gz.\n\n -- %s  %s\n' "$name" "$release" "$version" \
        "The interdict authors <interdict@example.invalid>" "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" >"$work/changelog"
    squeezed "$work/changelog" "$doc/changelog.Debian.gz"
    squeezed "$work/bill/NOTICE" "$doc/NOTICE.gz"
    sed -e 's/^$/./; s/^/ /' LICENSE-MIT | sed -e "s|/doc/interdict/|/doc/$name/|" -e '/@MIT@/{r /dev/stdin' -e 'd}' \
        packaging/linux/debian/copyright >"$work/copyright"
    put 644 "$work/copyright" "$doc/copyright"
    put 644 "$seams/debian/lintian-overrides" "deb/usr/share/lintian/overrides/$name"

    mkdir "$work/deb/DEBIAN"
    for script in postinst prerm postrm; do
        put 755 "$seams/debian/$script" "deb/DEBIAN/$script"
    done
    echo "/etc/$name/config.toml" >"$work/deb/DEBIAN/conffiles"
    (cd "$work/deb" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$work/deb-sums"
    put 644 "$work/deb-sums" deb/DEBIAN/md5sums
    cat >"$work/deb/DEBIAN/control" <<-END
	Package: $name
	Version: $release-1
	Architecture: amd64
	Maintainer: The interdict authors <interdict@example.invalid>
	Installed-Size: $(($(find "$work/deb" -type f -not -path '*/DEBIAN/*' -printf '%s\n' | awk '{ sum += int(($1 + 4095) / 4096) * 4 } END { print sum }')))
	$(about)
	END
    settle deb
    local out=$packages/${name}_$release-1_amd64.deb
    dpkg-deb --root-owner-group -Zxz --build "$work/deb" "$out" >/dev/null
    done_with "$out"
}

rpm() {
    tool rpmbuild rpm
    tree rpm site-functions
    put 644 CHANGELOG.md "rpm/usr/share/doc/$name/CHANGELOG.md"
    local file
    for file in LICENSE-APACHE LICENSE-MIT "$work/bill/NOTICE"; do
        put 644 "$file" "rpm/usr/share/licenses/$name/${file##*/}"
    done
    settle rpm
    rpmbuild -bb --quiet --target x86_64-linux --define "_topdir $work/rpmbuild" --define "stage $work/rpm" \
        --define "upstream $release" --define "changed $(date --utc --date="@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
        "$seams/$name.spec"
    local out=$packages/$name-$release-1.x86_64.rpm
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
    install -m 644 "$pages"/man/*.1 "$work/tar/$top/man"
    install -m 644 "$pages"/completions/{_interdict,interdict.bash,interdict.fish} "$work/tar/$top/completions"
    local out=$packages/$top.tar.gz
    tar -C "$work/tar" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "$top" |
        gzip -9n >"$out"
    done_with "$out"
}

[ $# -gt 0 ] || set -- deb rpm tar collector-deb collector-rpm
make_pages
rm -rf "$packages/linux" "$packages/collector"
for kind in "$@"; do
    case $kind in
    deb) of interdict && deb ;;
    rpm) of interdict && rpm ;;
    tar) of interdict && tar_gz ;;
    collector-deb) of interdict-collector && deb ;;
    collector-rpm) of interdict-collector && rpm ;;
    *)
        echo "no package $kind: deb, rpm, tar, collector-deb, collector-rpm" >&2
        exit 2
        ;;
    esac
done
