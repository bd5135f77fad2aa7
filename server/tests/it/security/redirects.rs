//! Redirects: none leads to another site.

use axum::http::Uri;

use sqlx::PgPool;

use super::screens::tags;
use crate::test_app::{Ask, Manner, PASSWORD, TestApp, Who};

/// PITFALLS: a `next` must be a path of this console.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn nobody_is_led_to_another_site(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let evils: [&str; 19] = [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "\\/evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        " //evil.test",
        "https://evil.test",
        "https:evil.test",
        "https:",
        "HTTPS://evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.test",
        "/x\r\nSet-Cookie: roster=evil",
        "/x\0",
        "/\u{2028}/evil.test",
    ];
    for next in evils {
        let typed: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", next)];
        let wrong = [("email", "mia@acme.test"), ("password", "wrong"), ("next", next)];
        for (manner, fields) in [(Manner::Program, enter), (Manner::Plain, enter), (Manner::Plain, wrong)] {
            let answer = app.ask(Ask::post("/api/sign_in", fields).manner(manner)).await;
            assert_eq!(answer.status, 303, "{next:?}");
            let expected = if fields[1].1 == "wrong" { "/sign-in" } else { "/" };
            assert_eq!(answer.location(), expected, "{next:?}");
            assert!(
                !answer.headers.values().any(|value| value.as_bytes() == b"roster=evil"),
                "{next:?}"
            );
            app.restore().await;
        }
        let person = [
            ("name", "N"),
            ("email", "n@n.test"),
            ("password", PASSWORD),
            ("next", next),
        ];
        let answer = app.ask(Ask::post("/api/sign_up", person).manner(Manner::Plain)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/sign-up"),
            "{next:?}"
        );
        app.restore().await;
        // The pages keep it only to hand it back, and link to nothing but their own.
        for page in ["/sign-in", "/sign-up"] {
            let answer = app.ask(Ask::get(format!("{page}?next={typed}"))).await;
            assert_eq!(answer.status, 200, "{page} {next:?}");
            for tag in tags(&answer.text) {
                let href = tag.split_once(" href=\"").map_or("/", |(_, rest)| rest);
                assert!(
                    href.starts_with('/') && !href.starts_with("//"),
                    "{page} {next:?}: <{tag}>"
                );
                assert!(
                    !href.starts_with("/sign") || !tag.contains("evil"),
                    "{page} {next:?}: <{tag}>"
                );
            }
        }
    }
    // Good ones are followed.
    for next in [
        "/docs/roles",
        "/settings/projects/ml-research/collaborators?q=a%20b&role=admin",
    ] {
        let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.ask(Ask::post("/api/sign_in", enter)).await.location(), next);
    }
}

/// A redirect that is made of the address itself does not leave the console either.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn no_address_of_ours_leads_to_another_site(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for uri in [
        "//evil.test/~current",
        "///evil.test/~current",
        "//evil.test/projects/~current",
        "/\\evil.test/~current",
        "/.//evil.test/~current",
        "//evil.test",
        "//evil.test/projects/ml-research",
        "/projects/~current//evil.test",
        "/settings/projects/~current/collaborators?next=//evil.test",
    ] {
        for who in [Who::Nobody, Who::Stranger, Who::Owner] {
            let Ok(uri) = uri.parse::<Uri>() else { continue };
            let answer = app.ask(Ask::get(uri.to_string()).by(who)).await;
            let to = answer.location();
            assert!(
                to.is_empty()
                    || (to.starts_with('/')
                        && !to.starts_with("//")
                        && !to.starts_with("/\\")
                        && !to.starts_with("/.")),
                "{uri} {who:?}: {to}"
            );
            assert!(!answer.status.is_server_error(), "{uri} {who:?}: {}", answer.status);
        }
    }
}
