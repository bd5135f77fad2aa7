# shellcheck shell=bash
# What every script here shares. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$ROOT" || exit 1

# The tools we install live in one folder that can be deleted at any time; nothing global changes.
TOOLS=${XDG_CACHE_HOME:-$HOME/.cache}/roster/tools
PATH=$TOOLS/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
export PATH

# shellcheck disable=SC2034 # used by the scripts that source this
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}

# Builds never depend on a database: the checked queries read crates/directory/.sqlx, whatever DATABASE_URL says.
export SQLX_OFFLINE=true

say() { printf '%s\n' "$*"; }

die() {
    printf '\nroster: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }

# newer_or_same WANTED FOUND: compares dotted version numbers.
newer_or_same() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$1" ]
}

# The first dotted number in what is read.
first_version() { grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1; }

# Run a noisy command: its output is shown only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" != 0 ]; then tail -n 40 "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

free_port() {
    node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'
}
