//! What people type and paste, at the doors: what a field says of itself, what is kept of what was typed,
//! and files.

use axum::http::header::COOKIE;
use policy::Refusal;
use sqlx::PgPool;

use crate::test_app::{
    ACME, Ask, EMPTY, FORGOTTEN, INVITED, INVITED_STRANGER, Manner, RESEARCH, TestApp, UNPROVED, Who,
};

/// The page as it comes, without scripts.
async fn page(app: &TestApp, who: Who, path: &str) -> String {
    let answer = app.ask(Ask::get(path).by(who).manner(Manner::Plain)).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.text
}

/// The tags of a page's fields for text, by what is in them.
fn fields<'a>(page: &'a str, part: &str) -> Vec<&'a str> {
    page.split("<input ")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .filter(|tag| tag.contains(part))
        .collect()
}

/// Each form with a password names whose it is, in a field that nobody has to fill in: password managers save it by
/// that.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_with_a_password_says_whose_it_is(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (who, path, address, forms) in [
        (Who::Owner, "/settings/profile".to_owned(), "olivia@acme.test", 2),
        (Who::Nobody, format!("/reset-password/{FORGOTTEN}"), "mia@acme.test", 1),
        (Who::Nobody, format!("/verify-email/{UNPROVED}"), "mia@acme.test", 1),
        (
            Who::Nobody,
            format!("/invitations/{INVITED}?email=%3CInvited%40new.test%3E"),
            "invited@new.test",
            1,
        ),
    ] {
        let page = page(&app, who, &path).await;
        let named = fields(&page, r#"autocomplete="username""#);
        assert_eq!(named.len(), forms, "{path}");
        for field in named {
            assert!(field.contains(&format!(r#"value="{address}""#)), "{field}");
            // It is not sent, not seen, and nobody comes to it by the keyboard.
            assert!(
                !field.contains("name=") && field.contains(r#"tabindex="-1""#),
                "{field}"
            );
        }
    }
    for (path, kinds) in [
        ("/sign-in", ["username", "current-password"]),
        ("/sign-up", ["username", "new-password"]),
    ] {
        let page = page(&app, Who::Nobody, path).await;
        for kind in kinds {
            assert_eq!(
                fields(&page, &format!(r#"autocomplete="{kind}""#)).len(),
                1,
                "{path} {kind}"
            );
        }
    }
}

/// A second look asks for the password in a form that says whose it is, too (J7).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_that_asks_again_says_whose_password(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query("UPDATE sessions SET confirmed_at = now() - interval '11 minutes'")
        .execute(&app.pool)
        .await
        .unwrap();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    let sent = Ask::post("/api/add_ssh_key", [("public_key", key)]).by(Who::Admin);
    let asked = app.ask(sent.manner(Manner::Plain)).await;
    let flash = format!("roster-flash={}", asked.cookie("roster-flash").unwrap());
    let next = Ask::get("/settings/ssh-keys").with(COOKIE, flash).by(Who::Admin);
    let page = app.ask(next.manner(Manner::Plain)).await.text;
    assert_eq!(fields(&page, r#"autocomplete="current-password""#).len(), 1);
    assert_eq!(fields(&page, r#"value="maya@acme.test""#).len(), 1, "{page}");
}

/// A telephone begins a field with a capital, and a slug has none.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_field_for_a_slug_is_in_small_letters(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (path, name) in [
        (format!("/settings/organization/{ACME}"), r#"name="slug""#),
        (
            format!("/settings/organization/{ACME}/projects?dialog=create"),
            r#"name="slug""#,
        ),
        (format!("/settings/projects/{EMPTY}"), r#"name="slug""#),
        (format!("/settings/projects/{EMPTY}"), r#"name="confirmation""#),
    ] {
        let page = page(&app, Who::Owner, &path).await;
        let [field] = fields(&page, name)[..] else {
            panic!("{path} {name}")
        };
        assert!(
            field.contains(r#"autocapitalize="none""#) && field.contains(r#"spellcheck="false""#),
            "{field}"
        );
    }
    let typed = [("organization", ACME), ("name", "Data"), ("slug", " Data-Platform ")];
    let made = app
        .ask(
            Ask::post("/api/create_project", typed)
                .by(Who::Owner)
                .manner(Manner::Plain),
        )
        .await;
    assert!(
        made.location().ends_with("/projects/data-platform"),
        "{}",
        made.location()
    );
}

/// A private key that was pasted by mistake is refused whatever else is wrong, and no field of it comes back.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_private_key_is_not_kept(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query("UPDATE sessions SET confirmed_at = now() - interval '11 minutes'")
        .execute(&app.pool)
        .await
        .unwrap();
    let headless = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
    let whole = format!("-----BEGIN OPENSSH PRIVATE KEY-----\r\n{headless}\r\n-----END OPENSSH PRIVATE KEY-----");
    for (key, name) in [
        (whole.as_str(), "Laptop"),
        (headless, "Laptop"),
        ("ssh-ed25519 AAAA", whole.as_str()),
    ] {
        let form = [
            ("public_key", key),
            ("name", name),
            ("current_password", "a wrong password"),
        ];
        let answer = app
            .ask(Ask::post("/api/add_ssh_key", form).by(Who::Admin).manner(Manner::Plain))
            .await;
        let flash = answer.flash().unwrap();
        assert_eq!(flash.outcome, Err(Refusal::SshKeyPrivate.into()));
        assert!(
            flash.typed.iter().all(|(_, typed)| !typed.contains(headless)),
            "{flash:?}"
        );
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_events e WHERE e::text LIKE '%b3Blb%'")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}

/// Without the mark Excel shows JÃ¶rg.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_list_as_a_file_begins_with_the_mark_of_its_encoding(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query("UPDATE users SET name = 'Jörg ＝1' WHERE email = 'noah@acme.test'")
        .execute(&app.pool)
        .await
        .unwrap();
    for path in [
        format!("/settings/organization/{ACME}/members.csv"),
        format!("/settings/projects/{RESEARCH}/collaborators.csv"),
    ] {
        let answer = app.ask(Ask::get(&path).by(Who::Owner)).await;
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert!(answer.text.starts_with("\u{FEFF}name,email,"), "{path}");
        assert_eq!(answer.text.matches('\u{FEFF}').count(), 1);
    }
}

/// A link as it is copied out of a mail leads to the same page.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_link_is_followed_with_what_stands_around_it(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for after in ["", ".", ")", "%20", "%E2%80%8B", "%3E", "%0D%0A"] {
        let page = page(&app, Who::Stranger, &format!("/invitations/{INVITED_STRANGER}{after}")).await;
        assert!(page.contains("Accept invitation"), "{after}");
    }
}
