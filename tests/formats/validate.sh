#!/usr/bin/env bash
# Reads the golden files of every format back with a reader of its own ecosystem, and compares verdict, findings and
# gaps; spoils each file in every way and asks that each is seen; tries the alerts of docs/recipes. The readers, of fixed
# versions, go into target/validate. Ends with 77 (skipped), and says why, where they cannot be had.
#
#   tests/formats/validate.sh          all formats
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
readers=$here/readers
target=${CARGO_TARGET_DIR:-$here/../../target}/validate
mkdir -p "$target/npm"
target=$(cd "$target" && pwd)

skip() {
    echo "skipped: $1" >&2
    exit 77
}
# Each of these is done once, and again when its list changed.
fresh() { cmp -s "$1" "$2.done"; }

# The virtual environment, from hashes; packages are not built here, so nothing of them runs before it is imported.
python_readers() {
    fresh "$readers/requirements.txt" "$target/venv" && return 0
    rm -rf "$target/venv"
    python3 -m venv "$target/venv"
    "$target/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        -r "$readers/requirements.txt"
    cp "$readers/requirements.txt" "$target/venv.done"
}

# What the package's own script would do after the installation, is done here.
sarif_reader() {
    fresh "$readers/package-lock.json" "$target/npm" && return 0
    cp "$readers/package.json" "$readers/package-lock.json" "$target/npm"
    npm ci --prefix "$target/npm" --silent --ignore-scripts --no-audit --no-fund
    chmod u+x "$target"/npm/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool
    cp "$readers/package-lock.json" "$target/npm.done"
}

# Only the tool is taken out of the package: installed, it would start a server.
promtool_reader() {
    [ ! -x "$PROMTOOL" ] || return 0
    local folder
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    (cd "$folder" && apt-get download -qq prometheus 2>/dev/null)
    dpkg --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
    mv "$folder/usr/bin/promtool" "$target/promtool"
}

command -v python3 >/dev/null || skip "no python3"
python3 -c 'import venv, ensurepip' 2>/dev/null || skip "no venv (Debian package python3-venv)"
command -v npm >/dev/null || skip "no npm (Debian package npm)"
PROMTOOL=$(command -v promtool || echo "$target/promtool")
python_readers &
python=$!
sarif_reader &
sarif=$!
promtool_reader &
promtool=$!
missing=""
wait "$python" || missing="the Python packages cannot be installed"
wait "$sarif" || missing="@microsoft/sarif-multitool cannot be installed"
wait "$promtool" || missing="no promtool (Debian package prometheus)"
[ -z "$missing" ] || skip "$missing"

SARIF_MULTITOOL=$(echo "$target"/npm/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool)
export PROMTOOL SARIF_MULTITOOL
"$target/venv/bin/python" -B "$here/validate.py" "$here"
"$target/venv/bin/python" -B "$here/validate_self_test.py" "$here"
for rules in "$here"/../../docs/recipes/*-rules.yml; do
    "$PROMTOOL" check rules "$rules"
    "$PROMTOOL" test rules "${rules%.yml}.test.yml"
done
