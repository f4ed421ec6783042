#!/bin/sh
# Takes interdict off this Mac: sudo sh /usr/local/share/interdict/uninstall.sh [--keep-data]
# With --keep-data the configuration and the reports stay.
set -e
[ "$(id -u)" = 0 ] || { echo "run it with sudo" >&2; exit 2; }
/usr/local/bin/interdict --quiet schedule remove || :
rm -f /usr/local/bin/interdict /usr/local/share/man/man1/interdict.1 \
    /usr/local/share/man/man1/interdict-*.1 /usr/local/share/zsh/site-functions/_interdict \
    /usr/local/etc/bash_completion.d/interdict
[ "${1:-}" = --keep-data ] || rm -rf "/Library/Application Support/interdict"
rm -rf /usr/local/share/doc/interdict /usr/local/share/interdict
pkgutil --forget interdict >/dev/null
