#!/usr/bin/env bash
# Everything in the tree that is made from something else, but pictures:
#   crates/directory/.sqlx  what PostgreSQL says about each checked query
#   docs/permissions.md     the table of the policy
#   docs/openapi.json       the description of REST
#   generate.sh write       makes all of it anew
#   generate.sh check       makes the documents anew with the tests as they are compiled, and fails if that changes the tree. CI calls
#                           it; .sqlx is checked by sqlx.sh there, with what the compile asked
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The tests that compare a document with the code write it when UPDATE is set.
DOCUMENTS='test(=the_printed_permissions_are_the_policys) | test(=rest::tests::the_kept_description_is_the_servers)'

write_documents() {
    UPDATE=1 cargo test --quiet --package policy --test documentation
    UPDATE=1 cargo test --quiet --package server --lib the_kept_description_is_the_servers
}

# What git would call a change, with its text, and what it doesn't know.
tree() {
    git status --porcelain --untracked-files=all
    git diff
}

check() {
    local before
    before=$(tree)
    UPDATE=1 cargo nextest run --workspace -E "$DOCUMENTS"
    if [ "$before" != "$(tree)" ]; then
        git status --short >&2
        die "What is generated is not what the code says: run 'make generate' and commit what it writes."
    fi
    say "What is generated is up to date."
}

case "${1:-}" in
    write)
        bash scripts/sqlx.sh write
        write_documents
        ;;
    check) check ;;
    *) die "usage: generate.sh write|check" ;;
esac
