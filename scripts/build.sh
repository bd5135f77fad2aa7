#!/usr/bin/env bash
# The optimised build: target/release/roster and target/site. Does nothing when nothing changed since the last one.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh

STAMP=target/release/.roster-built
SOURCES=(app server crates style public Cargo.toml Cargo.lock .cargo rust-toolchain.toml)

# cargo-leptos empties target/site and packs it anew even when nothing changed: half a minute that a second start need not wait.
up_to_date() {
    [ -e "$STAMP" ] && [ -x target/release/roster ] && [ -d target/site/pkg ] || return 1
    [ -z "$(find "${SOURCES[@]}" -name tests -prune -o -newer "$STAMP" -print 2>/dev/null | head -n 1)" ]
}

# CARGO_TARGET_DIR may lie elsewhere; what we promise is in ./target all the same.
bring_home() {
    if [ "$TARGET" -ef target ]; then return; fi
    rm -f target/release/roster
    cp "$TARGET/release/roster" target/release/roster
    if [ -e "$TARGET/release/hash.txt" ]; then cp "$TARGET/release/hash.txt" target/release/hash.txt; fi
}

build() {
    mkdir -p target/release
    # Taken before the build, so that a file changed during it counts as changed.
    touch "$STAMP.started"
    cargo leptos build --release --precompress </dev/null
    bring_home
    mv "$STAMP.started" "$STAMP"
}

if up_to_date; then
    say "The optimised build is up to date."
    exit 0
fi
say "Checking the tools of the build:"
need_build_tools
if [ -e "$TARGET/release/roster" ]; then
    say "Building (optimised): what changed since the last build, a minute or more."
else
    say "Building (optimised): about 10 minutes on two cores the first time."
fi
build
say "Built: target/release/roster, target/site"
