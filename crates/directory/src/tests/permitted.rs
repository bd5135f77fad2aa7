//! What the types can't say of writing: read from the text of the sources, without a compiler.

use std::collections::BTreeSet;

use super::schema::sources;

/// Who writes without being asked to by a principal: what the server does by itself, and what it notes of a request
/// beside answering it. Each with its file, below `src`.
const UNASKED: [&str; 26] = [
    "api_keys/authenticate.rs note_key_use",
    "attempts.rs count",
    "attempts.rs forget",
    "attempts.rs forget_old_attempts",
    "attempts.rs forgive",
    "authorization/change.rs write_record",
    "authorization/gateway.rs gateway",
    "authorization/gateway.rs note_session_use",
    "devices.rs forget_old_devices",
    "flashes.rs forget_old_flashes",
    "flashes.rs keep_flash",
    "flashes.rs take_flash",
    "meters.rs authenticate_meter",
    "outbox/mod.rs forget_old_mail",
    "outbox/mod.rs mail_failed",
    "outbox/mod.rs mail_sent",
    "outbox/mod.rs take_mail",
    "readiness.rs try_change",
    "repeats.rs forget_single_repeats",
    "repeats.rs count_refusal",
    "sessions.rs forget_old_sessions",
    "sessions.rs session",
    "submissions.rs begin_submission",
    "submissions.rs end_submission",
    "submissions.rs forget_old_submissions",
    "submissions.rs forget_submission",
];

/// Which use cases are for somebody who showed no credential: they need no permission, or a password, or the secret of
/// a link or a token.
const ANONYMOUS: [&str; 11] = [
    "accept_invitation_as_new",
    "request_password_reset",
    "reset_password",
    "revoke_presented_gateway",
    "revoke_presented_key",
    "revoke_presented_meter",
    "sign_in_on",
    "sign_up",
    "sign_up_by_mail",
    "undo_email_change",
    "verify_address",
];

/// Which use cases are about what is a person's own, or what a link's secret opens to them.
const ONESELF: [&str; 15] = [
    "accept_invitation",
    "add_proved_ssh_key",
    "change_email",
    "change_name",
    "change_password",
    "confirm",
    "delete_account",
    "end_other_sessions",
    "end_session",
    "remove_ssh_key",
    "request_email_change",
    "resend_verification",
    "revoke_made_keys",
    "sign_out",
    "verify_own_address",
];

/// The name of the last function that begins in `text`.
fn last_function(text: &str) -> &str {
    let name = text.rsplit("fn ").next().unwrap();
    name.split(['(', '<']).next().unwrap()
}

fn writes(statement: &str) -> bool {
    let updates = statement.contains("UPDATE ") && statement.contains(" SET");
    updates || statement.contains("INSERT INTO ") || statement.contains("DELETE FROM ")
}

/// What is handed to `execute` or `fetch_…`, and the statement before it.
fn sent(text: &str) -> Option<(&str, &str)> {
    let end = [".execute(", ".fetch_"]
        .iter()
        .filter_map(|method| text.find(method))
        .min()?;
    let (statement, rest) = text.split_at(end);
    let (_, connection) = rest.split_once('(')?;
    Some((
        statement,
        connection.split(['\n', ';']).next()?.trim_end_matches([')', '?']),
    ))
}

/// A1: a statement that writes is sent on the connection of a permitted change.
#[test]
fn a1_nothing_is_written_but_by_a_permitted_change() {
    let mut unasked = BTreeSet::new();
    let mut permitted = 0;
    for (file, text) in sources() {
        for (start, _) in text.match_indices("sqlx::query") {
            let (before, statement) = text.split_at(start);
            let Some((statement, connection)) = sent(statement).filter(|(statement, _)| writes(statement)) else {
                continue;
            };
            let function = last_function(before);
            let signature = before.rsplit("fn ").next().unwrap();
            let has_writer = signature.contains("db: &mut Writer") || signature.contains("let db = change.write()");
            if connection.contains("change.write(") || (connection.ends_with("db") && has_writer) {
                permitted += 1;
            } else {
                assert!(!statement.is_empty());
                unasked.insert(format!("{file} {function}"));
            }
        }
    }
    assert!(permitted > 100, "{permitted}");
    assert_eq!(unasked, UNASKED.map(str::to_owned).into());
}

/// The functions that are permitted in this way.
fn permitted_by(way: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, text) in sources() {
        if file == "authorization/permitted.rs" {
            continue;
        }
        for (start, _) in text.match_indices(way) {
            found.insert(last_function(text.get(..start).unwrap()).to_owned());
        }
    }
    found
}

/// Whoever is let in without a permission of the policy is named here.
#[test]
fn every_use_case_that_asks_for_no_permission_is_known() {
    assert_eq!(permitted_by("permit_anonymous("), ANONYMOUS.map(str::to_owned).into());
    assert_eq!(permitted_by("permit_oneself("), ONESELF.map(str::to_owned).into());
    assert_eq!(
        permitted_by("permit_note_of_key("),
        ["audit_refused_key".to_owned()].into()
    );
    assert_eq!(
        permitted_by("permit_meter("),
        ["record_metered_usage".to_owned()].into()
    );
}

/// P3: what decides is read from the database by the kernel. These ask what a role or a row just read would permit.
#[test]
fn p3_standings_are_made_in_the_kernel_alone() {
    let made: BTreeSet<_> = sources()
        .into_iter()
        .filter(|(file, text)| {
            !file.starts_with("authorization/")
                && [
                    "Standing {\n",
                    "Standing { ",
                    "Standing::default()",
                    "PrincipalStanding::",
                ]
                .iter()
                .any(|way| text.contains(way))
        })
        .map(|(file, _)| file)
        .collect();
    let known = [
        "collaborators/change.rs",
        "collaborators/list.rs",
        "members.rs",
        "projects.rs",
    ];
    assert_eq!(made, known.map(str::to_owned).into());
}

/// The kernel alone makes what shows that somebody asked: neither constructor nor field can be reached from outside of
/// `authorization`.
#[test]
fn what_shows_that_somebody_asked_is_made_in_the_kernel_alone() {
    let kernel: String = sources()
        .into_iter()
        .filter(|(file, _)| {
            ["change", "permitted", "writer"]
                .iter()
                .any(|name| *file == format!("authorization/{name}.rs"))
        })
        .map(|(_, text)| text)
        .collect();
    for private in [
        "pub(super) writer: Writer,",
        "pub(super) const fn over(transaction: PgTransaction, ids: fn() -> Uuid) -> Self",
        "    change: &'c mut Change<'a>,\n}",
        "    transaction: PgTransaction,\n    ids: fn() -> Uuid,\n}",
    ] {
        assert_eq!(kernel.matches(private).count(), 1, "{private}");
    }
    let worker: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| !file.starts_with("authorization/") && text.contains("Writer::for_worker("))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(worker, ["outbox/mod.rs"]);
}
