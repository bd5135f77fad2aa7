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
        need_typos
    fi
    if wants checks || wants rust; then need_rust_component clippy clippy; fi
    if wants rust || wants browser; then
        need_postgres
        need_sshd
    fi
    if wants rust; then
        need_nextest
        need_nginx
        need_pgbouncer
        need_promtool
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
FORMATTED=('end2end/*.ts' 'end2end/{fixtures,tests}/**/*.ts' 'style/*.css' '{scripts,bench/*}/*.mjs')
check_format() { end2end/node_modules/.bin/prettier --log-level warn --check "${FORMATTED[@]}"; }
# What says in `make ha` whether anything was lost is tested with histories of which that is known.
check_judge() { quietly node --test ha; }
check_types() { (cd end2end && npx --no-install tsc --noEmit); }
lint_host() { cargo clippy --workspace --all-targets -- -D warnings; }
lint_browser() { cargo clippy --package app --lib --target wasm32-unknown-unknown --features hydrate -- -D warnings; }

# Links between items, and what else rustdoc knows of. What it compiles is what `cargo clippy` does, less tests.
check_rustdoc() { RUSTDOCFLAGS='-D warnings' with_lints cargo doc --workspace --no-deps --quiet; }

# What fails most often and is found out in seconds comes first.
quick_checks() {
    step "formatting" cargo fmt --check
    step "formatting of TypeScript, scripts and style sheets" check_format
    step "style sheets parse" node scripts/check-css.mjs style/main.css
    step "links of the documents, the map, and the index of decisions" node scripts/check-docs.mjs
    step "the judge of failovers" check_judge
    if [ -e end2end/tsconfig.json ]; then step "types of the browser tests" check_types; fi
    if have typos; then step "spelling" typos; fi
    if have shellcheck; then step "shell scripts" check_scripts; fi
    if have cargo-deny; then step "licences and sources of dependencies" check_licences; fi
}

# ---------------------------------------------------------------------------------------------------- Rust tests

# Clippy's driver is a compiler that also lints: with it the crates of the workspace are compiled once for both. `cargo clippy`
# does the same, but only checks; its own arguments travel in CLIPPY_ARGS.
with_lints() { RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ "$@"; }

# One compile that lints, builds the tests, and asks PostgreSQL about every query on the way (.sqlx then has to say the same).
compile_tests() {
    QUERIES=$(mktemp -d)
    QUERIES_DATABASE_URL=$(throwaway_url queries)
    DATABASE_URL=$QUERIES_DATABASE_URL node scripts/apply-migrations.mjs
    DATABASE_URL=$QUERIES_DATABASE_URL SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$QUERIES \
        with_lints cargo test --workspace --all-targets --no-run
}
check_queries() { QUERIES_DATABASE_URL=$(throwaway_url queries) bash scripts/sqlx.sh check "$QUERIES"; }

# The documents that are made from the code, written by the tests that compare them: nothing is compiled for it.
check_generated() { DATABASE_URL=$(throwaway_url rust) with_lints bash scripts/generate.sh check; }

# Every test has a database of its own, made from template1: with the newest schema in it, none has to be migrated.
migrate_template() { DATABASE_URL=$(throwaway_url template1) "$TARGET/debug/roster" migrate; }

# With the server against its own description, which needs a tool that plain `cargo test` does without.
rust_tests() { DATABASE_URL=$(throwaway_url rust) with_lints cargo nextest run --workspace --run-ignored all --no-fail-fast; }
# The examples in the documentation, which nextest leaves out.
doc_tests() { with_lints cargo test --workspace --doc --quiet; }

# ---------------------------------------------------------------------------------------------------- browser tests

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
    rm -rf "${FIRST:-}" "${QUERIES:-}"
}

main() {
    case "$PART" in all | checks | rust | browser) ;; *) die "usage: make test [ONLY=checks|rust|browser]" ;; esac
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    step "tools" get_tools
    # Everything that Cargo.lock names, for the browser's build as well: a test looks at that without asking the registry.
    step "packages of Cargo.lock" cargo fetch --locked --quiet
    if wants checks; then quick_checks; fi
    if [ "$PART" = checks ]; then step "lints, server" lint_host; fi
    if wants checks; then
        step "lints, browser" lint_browser
        step "documentation of the crates" check_rustdoc
    fi
    if wants rust || wants browser; then
        step "throw-away PostgreSQL" throwaway_postgres rust queries browser
    fi
    if wants rust; then
        step "lints and compiling of the tests" compile_tests
        step "saved queries are up to date" check_queries
        step "what is generated leaves the tree as it is" check_generated
        step "the schema of the tests' databases" migrate_template
        step "Rust tests" rust_tests
        step "examples in the documentation" doc_tests
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
