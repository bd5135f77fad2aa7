//! Whose a form is (N3): a browser has one session for all its tabs, and a form counts for who filled it in alone. What
//! was typed is kept, whoever is signed in meanwhile.

use axum::http::{HeaderName, StatusCode, header};
use sqlx::PgPool;

use crate::{
    forms::words,
    functions::FUNCTIONS,
    test_app::{Ask, Manner, PASSWORD, TestApp, Who},
};

const COLLABORATORS: &str = "/settings/projects/ml-research/collaborators";

fn filled_in_by(app: &TestApp, path: &str, who: Who) -> String {
    format!("{path}?as={}", app.id(who))
}

/// Every form that somebody has to be signed in for, sent by each kind of client, when somebody else is, or nobody:
/// refused, and nothing is changed.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_that_somebody_else_filled_in_changes_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let functions = FUNCTIONS
        .iter()
        .filter(|function| function.is_write() && !function.is_for_nobody());
    for function in functions {
        let fields = function.filled(&app);
        // Who could have done it is signed in, and somebody else filled it in.
        let other = if function.who == Who::External {
            Who::Stranger
        } else {
            Who::External
        };
        for (by, filled_in_by) in [(function.who, other), (Who::Nobody, function.who)] {
            for manner in Manner::ALL {
                let user = app.id(filled_in_by).to_string();
                let mut ask = function.call(&fields).by(by).manner(manner);
                if manner == Manner::Script {
                    ask = ask.with(HeaderName::from_static("x-roster-as"), user);
                } else {
                    ask.uri = format!("{}?as={user}", function.path);
                }
                let answer = app.ask(ask).await;
                let what = format!("{} by {by:?}, {manner:?}: {}", function.path, answer.text);
                let is_signed_in = by != Who::Nobody;
                match manner {
                    Manner::Plain => {
                        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{what}");
                        assert_eq!(answer.location().starts_with("/sign-in?next="), !is_signed_in, "{what}");
                    }
                    Manner::Script => {
                        let code = if is_signed_in {
                            "filled_in_by_another"
                        } else {
                            "signed_out"
                        };
                        assert_eq!(answer.text, format!(r#"{{"Err":{{"refused":"{code}"}}}}"#), "{what}");
                    }
                    Manner::Program => assert_eq!(answer.status, if is_signed_in { 409 } else { 401 }, "{what}"),
                }
                // Each is known by its form, or what was typed could not be shown again.
                let ticket = if is_signed_in { "roster-flash" } else { "roster-kept" };
                let is_told = manner == Manner::Plain || manner == Manner::Script && !is_signed_in;
                assert_eq!(answer.cookie(ticket).is_some(), is_told, "{what}");
            }
        }
        assert_eq!(app.fingerprint().await, before, "{}", function.path);
    }
}

/// What names nobody that there is, or nothing that could be a person, is somebody else's; what names nobody is a
/// program's.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_says_for_whom_it_is_or_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let own = filled_in_by(&app, "/api/change_name", Who::Member);
    for (uri, status) in [
        (own.clone(), 200),
        ("/api/change_name".to_owned(), 200),
        ("/api/change_name?as=".to_owned(), 409),
        ("/api/change_name?as=mia".to_owned(), 409),
        (
            "/api/change_name?as=00000000-0000-7000-8000-000000000000".to_owned(),
            409,
        ),
        (format!("{own}&as="), 200),
    ] {
        let answer = app.ask(Ask::post(&*uri, [("name", "Mia")]).by(Who::Member)).await;
        assert_eq!(answer.status, status, "{uri}: {}", answer.text);
    }
}

/// Mia's tab saves a name after Olivia signed in in another tab: Olivia is told who she is and keeps her name, and what
/// was typed is in the form; once.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_scripts_who_is_signed_in_now_is_told_so(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let form = filled_in_by(&app, "/api/change_name", Who::Member);
    let sent = Ask::post(form, [("name", "Mia Married")])
        .by(Who::Owner)
        .manner(Manner::Plain);
    let answer = app.ask(sent).await;
    assert_eq!(answer.location(), "/settings/profile");
    let flash = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
    let page = app
        .ask(Ask::get(answer.location()).by(Who::Owner).with(header::COOKIE, flash))
        .await;
    assert!(
        words(&page.text).contains("You are signed in as Olivia Owner now."),
        "{}",
        page.text
    );
    assert!(page.text.contains("value=\"Mia Married\""));
    let next = app.ask(Ask::get("/settings/profile").by(Who::Owner)).await;
    assert!(next.text.contains("value=\"Olivia Owner\"") && !words(&next.text).contains("You are signed in as"));
}

/// A session that is over when a form is sent: after signing in, with a mistake on the way, the person is where they
/// were, and what they typed is there; for them alone, and without the password.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_was_typed_waits_until_its_person_is_signed_in_again(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dialog = format!("{COLLABORATORS}?dialog=add");
    for (who, is_shown) in [(Who::Admin, true), (Who::OrganizationAdmin, false)] {
        let form = filled_in_by(&app, "/api/add_collaborator", Who::Admin);
        let mut sent = Ask::post(form, [("project", "ml-research"), ("email", "half.typed@acme.test")]);
        sent = sent.manner(Manner::Plain);
        sent.headers.retain(|(name, _)| name != header::REFERER);
        let sent = sent.with(header::REFERER, format!("{}{dialog}", crate::test_app::URL));
        let answer = app.ask(sent).await;
        assert_eq!(
            answer.location(),
            "/sign-in?next=%2Fsettings%2Fprojects%2Fml-research%2Fcollaborators%3Fdialog%3Dadd"
        );
        let kept = format!("roster-kept={}", answer.cookie("roster-kept").unwrap());
        let entry = app
            .ask(Ask::get(answer.location()).with(header::COOKIE, kept.clone()))
            .await;
        assert_eq!(entry.cookie("roster-kept"), None, "it waits");
        for (password, location) in [("wrong", answer.location()), (PASSWORD, &*dialog)] {
            let fields = [("email", who.email()), ("password", password), ("next", &*dialog)];
            let sign_in = Ask::post("/api/sign_in", fields).manner(Manner::Plain);
            let signed_in = app.ask(sign_in.with(header::COOKIE, kept.clone())).await;
            assert_eq!(signed_in.location(), location);
        }
        let page = app
            .ask(Ask::get(&*dialog).by(who).with(header::COOKIE, kept.clone()))
            .await;
        assert_eq!(page.text.contains("half.typed@acme.test"), is_shown, "{who:?}");
        assert_eq!(
            words(&page.text).contains("Your session was over when you sent this"),
            is_shown
        );
        assert_eq!(page.cookie("roster-kept"), is_shown.then_some(""), "once");
        let again = app.ask(Ask::get(&*dialog).by(who).with(header::COOKIE, kept)).await;
        assert!(!again.text.contains("half.typed@acme.test"));
    }
    let form = filled_in_by(&app, "/api/change_password", Who::Member);
    let fields = [
        ("current_password", "a-secret-to-look-for"),
        ("password", "another-secret-to-look-for"),
    ];
    let answer = app.ask(Ask::post(form, fields).manner(Manner::Plain)).await;
    let kept = format!("roster-kept={}", answer.cookie("roster-kept").unwrap());
    let page = Ask::get("/settings/profile").by(Who::Member).with(header::COOKIE, kept);
    assert!(!app.ask(page).await.text.contains("secret-to-look-for"));
}

/// What waits does so for its page: on the way there, any number of others are opened, and what they have to tell is
/// told.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_was_typed_waits_for_its_page(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let form = filled_in_by(&app, "/api/change_name", Who::Member);
    let answer = app
        .ask(Ask::post(form, [("name", "Mia Married")]).manner(Manner::Plain))
        .await;
    let kept = format!("roster-kept={}", answer.cookie("roster-kept").unwrap());
    let open = async |page: &str| {
        app.ask(Ask::get(page).by(Who::Member).with(header::COOKIE, kept.clone()))
            .await
    };
    for other in ["/settings/sessions", COLLABORATORS, "/"] {
        assert_eq!(open(other).await.cookie("roster-kept"), None, "{other}");
    }
    // Who signed in meanwhile elsewhere, and comes by the link, is led to where they were.
    let entry = open("/sign-in?next=%2Fsettings%2Fprofile").await;
    assert_eq!(entry.location(), "/settings/profile");
    assert_eq!(open("/sign-in?next=%2F%2Fevil.test").await.location(), "/");
    assert!(open("/settings/profile").await.text.contains("value=\"Mia Married\""));
}

/// A private key that was pasted by mistake is kept for nobody, least of all for somebody else.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_private_key_is_never_kept(pool: PgPool) {
    const PRIVATE: &str =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----";
    let app = TestApp::new(pool).await;
    for (by, cookie) in [(Who::Owner, "roster-flash"), (Who::Nobody, "roster-kept")] {
        let form = filled_in_by(&app, "/api/add_ssh_key", Who::Member);
        let fields = [("public_key", PRIVATE), ("name", "Laptop")];
        let mut sent = Ask::post(form, fields).by(by).manner(Manner::Plain);
        sent.headers.retain(|(name, _)| name != header::REFERER);
        let sent = sent.with(header::REFERER, format!("{}/settings/ssh-keys", crate::test_app::URL));
        let answer = app.ask(sent).await;
        let ticket = format!("{cookie}={}", answer.cookie(cookie).unwrap());
        let who = if by == Who::Nobody { Who::Member } else { by };
        let page = Ask::get("/settings/ssh-keys").by(who).with(header::COOKIE, ticket);
        let page = app.ask(page).await;
        assert!(page.text.contains("value=\"Laptop\""), "the rest is: {}", page.text);
        assert!(!page.text.contains("b3BlbnNzaC1rZXktdjEA"));
    }
}

/// Every form of every page that its person has to be signed in for says who that is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_form_says_for_whom_it_was_made(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let own = format!("?as={}", app.id(Who::Owner));
    let mut forms = 0;
    for page in [
        "/settings/profile",
        "/settings/sessions",
        "/settings/ssh-keys",
        "/settings/my-api-keys",
        "/settings/organization/acme",
        "/settings/organization/acme/members?dialog=invite",
        "/settings/organization/acme/invitations",
        "/settings/organization/acme/projects?dialog=create",
        "/settings/projects/ml-research",
        "/settings/projects/ml-research?dialog=remove-externals",
        "/settings/projects/ml-research/collaborators?dialog=add",
        "/settings/projects/ml-research/api-keys?dialog=create",
        "/projects/ml-research/clusters?dialog=create",
    ] {
        let answer = app.ask(Ask::get(page).by(Who::Owner)).await;
        for action in answer
            .text
            .split("<form ")
            .skip(1)
            .filter(|form| form.starts_with("method=\"post\""))
        {
            let action = action.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(action == "/api/sign_out" || action.contains(&own), "{page}: {action}");
            forms += 1;
        }
    }
    assert!(forms > 40, "{forms}");
}

/// Who asks for a page while signed out comes to that very page once signed in: what is encoded in its address stays
/// so, and is decoded once where it is read.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_page_after_signing_in_is_the_one_that_was_asked_for(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (query, typed) in [
        ("?q=plus%2Btag&role=member", "plus+tag"),
        ("?q=a%26role%3Dadmin", "a&amp;role=admin"),
        ("?q=a+b", "a b"),
        ("?q=100%25", "100%"),
        ("?q=100%2525", "100%25"),
        ("?q=J%C3%B6rg%23x", "J\u{f6}rg#x"),
    ] {
        let asked = format!("{COLLABORATORS}{query}");
        let entry = app.ask(Ask::get(&*asked)).await;
        let page = app.ask(Ask::get(entry.location())).await;
        let next = page
            .text
            .split("name=\"next\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert_eq!(next.replace("&amp;", "&"), asked);
        let fields = [
            ("email", Who::Member.email()),
            ("password", PASSWORD),
            ("next", &*asked),
        ];
        let signed_in = app.ask(Ask::post("/api/sign_in", fields).manner(Manner::Plain)).await;
        assert_eq!(signed_in.location(), asked);
        let list = app.ask(Ask::get(&*asked).by(Who::Member)).await;
        assert!(
            list.text.contains(&format!("value=\"{typed}\"")),
            "{asked}: {}",
            list.text
        );
        // Its links and its file ask for the same.
        let q = query.trim_start_matches("?q=").split('&').next().unwrap();
        assert!(
            list.text.contains(&format!("collaborators.csv?q={q}")),
            "{asked}: {}",
            list.text
        );
    }
}
