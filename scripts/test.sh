#!/usr/bin/env bash
# Every test, or one part: test.sh [checks|rust|browser]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh
. scripts/throwaway.sh

PART=${1:-all}

wants() { [ "$PART" = all ] || [ "$PART" = "$1" ]; }

# step TITLE COMMAND...: announced, timed, and the first that fails ends the run.
step() {
    local title=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    STEP=$title
    "$@"
    printf -- '-- %s s\n' "$((SECONDS - start))"
}

get_tools() {
    need_rust
    need_node
    need_node_packages
    if wants checks; then
        need_rust_component fmt rustfmt
        need_rust_component clippy clippy
    fi
    if wants rust || wants browser; then
        need_postgres
        need_sshd
    fi
    if wants rust; then
        need_nginx
        need_traefik
        need_envoy
        need_schemathesis
    fi
    # The build gets its own tools when its turn comes: a formatting error need not wait for them.
    if wants browser; then need_chromium; fi
}

# ---------------------------------------------------------------------------------------------------- checks

check_scripts() { shellcheck --external-sources scripts/*.sh .ci/run; }
check_licences() { cargo deny check bans licenses sources; }
check_types() { (cd end2end && npx --no-install tsc --noEmit); }
lint_host() { cargo clippy --workspace --all-targets -- -D warnings; }
lint_browser() { cargo clippy --package app --lib --target wasm32-unknown-unknown --features hydrate -- -D warnings; }

checks() {
    step "formatting" cargo fmt --check
    step "style sheets parse" node scripts/check-css.mjs style/main.css
    if [ -e end2end/tsconfig.json ]; then step "types of the browser tests" check_types; fi
    if have shellcheck; then step "shell scripts" check_scripts; fi
    if have cargo-deny; then step "licences and sources of dependencies" check_licences; fi
    step "lints, server" lint_host
    step "lints, browser" lint_browser
}

# ---------------------------------------------------------------------------------------------------- tests

rust_tests() { DATABASE_URL=$(throwaway_url rust) cargo test --workspace --no-fail-fast; }
# The server against its own description: the test that the ones above leave out.
contract_test() {
    DATABASE_URL=$(throwaway_url rust) cargo test --package server --test it rest::contract -- --ignored --nocapture
}
check_queries() { QUERIES_DATABASE_URL=$(throwaway_url queries) bash scripts/sqlx.sh check; }

# What `make run` does: no database given, no data yet.
first_start() {
    FIRST=$(mktemp -d /tmp/roster-first.XXXXXX)
    # PostgreSQL runs as another account when we are root.
    chmod 711 "$FIRST"
    ROSTER_DATA=$FIRST/data start_server --demo
    answers /sign-in 10 || die "The sign-in page does not answer."
    stop_server
    rm -rf "$FIRST"
}

browser_tests() {
    DATABASE_URL=$(throwaway_url browser) start_server
    (
        cd end2end
        BASE_URL=$BASE_URL DATABASE_URL=$(throwaway_url browser) CHROMIUM=$CHROMIUM \
            ROSTER_BINARY=$PWD/../target/release/roster npx --no-install playwright test
    ) </dev/null
    stop_server
}

clean_up() {
    local status=$?
    set +e
    if [ "$status" != 0 ]; then
        if [ -n "$SERVER_PID" ]; then server_log; fi
        printf '\nFAILED: %s\n' "${STEP:-}" >&2
    fi
    throwaway_stop
    if [ -n "${FIRST:-}" ]; then rm -rf "$FIRST"; fi
}

main() {
    case "$PART" in all | checks | rust | browser) ;; *) die "usage: make test [ONLY=checks|rust|browser]" ;; esac
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    step "tools" get_tools
    # Everything that Cargo.lock names, for the browser's build as well: a test looks at that without asking the registry.
    step "packages of Cargo.lock" cargo fetch --locked --quiet
    if wants checks; then checks; fi
    if wants rust || wants browser; then
        step "throw-away PostgreSQL" throwaway_postgres rust queries browser
    fi
    if wants rust; then
        step "Rust tests" rust_tests
        step "REST against its description" contract_test
        step "saved queries are up to date" check_queries
    fi
    if wants browser; then
        step "optimised build" bash scripts/build.sh
        step "a first start with demo data" first_start
        step "browser tests" browser_tests
        step "sizes" node scripts/print-sizes.mjs
    fi
    printf '\nAll steps passed in %s s.\n' "$SECONDS"
}

main
