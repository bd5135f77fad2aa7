#!/usr/bin/env bash
# crates/directory/.sqlx holds what PostgreSQL said about each checked query, so that builds need no database.
#   sqlx.sh write   asks a throw-away PostgreSQL again and replaces the folder
#   sqlx.sh check [ASKED]   fails when the folder is not what the queries and migrations say: asks again, unless the folder ASKED
#                   holds the same answers already, from a compile just now
# QUERIES_DATABASE_URL, an empty database, is used instead when it is set.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh
. scripts/throwaway.sh

KEPT=crates/directory/.sqlx

ask_postgres() {
    local wrapper=$1/rustc
    # Compilers started through a wrapper have a cache of their own per wrapper: a new one means that this crate, and only this
    # one, is compiled again, and with it that every query is asked. Dependencies come from the common cache.
    printf '#!/bin/sh\nexec "$@"\n' >"$wrapper"
    chmod +x "$wrapper"
    SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$1/queries RUSTC_WORKSPACE_WRAPPER=$wrapper CARGO_INCREMENTAL=0 \
        cargo check --quiet --package directory --all-targets
}

compare_or_replace() {
    if [ "$1" = write ]; then
        rm -rf "$KEPT"
        cp -R "$2" "$KEPT"
        say "Wrote $KEPT: $(find "$KEPT" -name '*.json' | wc -l | tr -d ' ') queries."
    elif diff -r "$KEPT" "$2"; then
        say "$KEPT is up to date."
    else
        die "$KEPT is not what the queries and migrations say: run 'make sqlx' and commit the folder."
    fi
}

main() {
    case "${1:-}" in write | check) ;; *) die "usage: sqlx.sh write|check [ASKED]" ;; esac
    if [ -n "${2:-}" ] && diff -rq "$KEPT" "$2" >/dev/null; then
        say "$KEPT is up to date."
        return
    fi
    need_node_packages
    DATABASE_URL=${QUERIES_DATABASE_URL:-}
    if [ -z "$DATABASE_URL" ]; then
        need_rust
        need_postgres
        throwaway_postgres queries
        DATABASE_URL=$(throwaway_url queries)
    fi
    export DATABASE_URL
    WORK=$(mktemp -d)
    mkdir "$WORK/queries"
    node scripts/apply-migrations.mjs
    ask_postgres "$WORK"
    compare_or_replace "$1" "$WORK/queries"
}

clean_up() {
    throwaway_stop
    if [ -n "${WORK:-}" ]; then rm -rf "$WORK"; fi
}

trap clean_up EXIT
main "$@"
