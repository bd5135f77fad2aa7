#!/usr/bin/env bash
# The benchmarks: the optimised server and a throw-away PostgreSQL on this machine; `cargo bench` prints a table.
# Benchmarks are programs (harness = false) that find the server in BASE_URL and its database in DATABASE_URL.
# `bench.sh peers` compares decisions with those of other programs instead (bench/peers).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh
. scripts/throwaway.sh

# Each program is started by itself, alone, on the same PostgreSQL.
peers() {
    need_node
    need_node_packages
    need_peers
    need_wrk
    need_postgres
    THROWAWAY_AUTOVACUUM=on throwaway_postgres bench
    DATABASE_URL=$(throwaway_url bench)
    export DATABASE_URL
    quietly target/release/roster migrate || die "The database could not be migrated: see above."
    bash scripts/seed.sh --organizations=100 --people=100000 --collaborators=10000 --keys=100000 --audit=100000
    ROSTER_BINARY=$PWD/target/release/roster node bench/peers/run.mjs
}

trap throwaway_stop EXIT
trap 'exit 130' INT TERM
bash scripts/build.sh
if [ "${1:-}" = peers ]; then
    peers
    exit
fi
# Compiled before anything is measured.
cargo bench --workspace --bench '*' --no-run
need_postgres
THROWAWAY_AUTOVACUUM=on throwaway_postgres bench
# shellcheck disable=SC2119 # its arguments are not ours
DATABASE_URL=$(throwaway_url bench) start_server
BASE_URL=$BASE_URL DATABASE_URL=$(throwaway_url bench) SERVER_PID=$SERVER_PID cargo bench --workspace --bench '*' "$@"
