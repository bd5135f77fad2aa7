//! What people type and paste: the same to the eye is the same to the program.

use policy::{Name, Refusal, SshKeyFormat};
use sqlx::PgPool;

use super::fixture::{Tenant, account, actor, anonymous, count, directory, name, password, refusal, sql};
use crate::{CollaboratorQuery, InvitationQuery, LinkToken, MemberQuery, Principal, secret};

const MAYA: &str = "maya@acme.test";
/// As one system types it, and as another does.
const COMPOSED: &str = "größte überflüssige Öfen";
const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn decomposed() -> String {
    COMPOSED
        .replace('ö', "o\u{308}")
        .replace('ü', "u\u{308}")
        .replace('Ö', "O\u{308}")
}

/// NIST SP 800-63B: a password is one, whichever keyboard it is typed on, wherever it is asked for.
#[sqlx::test]
async fn a_password_is_the_same_from_every_keyboard(pool: PgPool) {
    let d = directory(&pool);
    let mut maya = account("Maya Muster", MAYA);
    maya.password = password(COMPOSED);
    d.create_user(&Principal::operator(), maya).await.unwrap();
    d.sign_in(&anonymous(), MAYA, COMPOSED).await.unwrap();
    let session = d.sign_in(&anonymous(), MAYA, &decomposed()).await.unwrap();
    let maya = actor(&d, &session.token).await;
    d.confirm(&maya, &decomposed()).await.unwrap();
    d.change_password(&maya, &decomposed(), password(&format!("{} 2", decomposed())))
        .await
        .unwrap();
    d.sign_in(&anonymous(), MAYA, &format!("{COMPOSED} 2")).await.unwrap();
    assert_eq!(
        refusal(d.sign_in(&anonymous(), MAYA, COMPOSED).await),
        Refusal::CredentialsWrong
    );
}

/// What was hashed as it came goes on working, typed in the same way.
#[sqlx::test]
async fn a_password_from_before_goes_on_working(pool: PgPool) {
    let d = directory(&pool);
    d.create_user(&Principal::operator(), account("Maya Muster", MAYA))
        .await
        .unwrap();
    let before = secret::hash(decomposed().as_bytes()).unwrap();
    sqlx::query("UPDATE users SET password_hash = $1")
        .bind(&before)
        .execute(&pool)
        .await
        .unwrap();
    let session = d.sign_in(&anonymous(), MAYA, &decomposed()).await.unwrap();
    let maya = actor(&d, &session.token).await;
    d.confirm(&maya, &decomposed()).await.unwrap();
    for wrong in ["correct-horse-battery", "o\u{308}"] {
        assert_eq!(
            refusal(d.sign_in(&anonymous(), MAYA, wrong).await),
            Refusal::CredentialsWrong
        );
    }
    d.change_password(&maya, &decomposed(), password(&format!("{COMPOSED} 2")))
        .await
        .unwrap();
    d.sign_in(&anonymous(), MAYA, &format!("{} 2", decomposed()))
        .await
        .unwrap();
}

/// Lists are searched for what is seen.
#[sqlx::test]
async fn a_search_finds_what_is_seen(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, maya) = (&t.directory, &t.maya.actor);
    let typed = Name::from_input("Jo\u{308}rg\u{200B} Gro\u{308}ße").unwrap();
    d.change_name(maya, &typed).await.unwrap();
    for search in [
        "jörg",
        "JO\u{308}RG",
        "jörg\u{A0}größe",
        " jö\u{200C}rg  größe ",
        "\u{202A}Jörg\u{202C}",
        "Maya M <MAYA@acme.test>",
        "mailto:maya@acme.test",
    ] {
        let query = MemberQuery {
            search: search.to_owned(),
            limit: 10,
            ..MemberQuery::default()
        };
        let found = d.members(&t.owner.actor, &t.slug, &query).await.unwrap();
        assert!(found.rows.iter().any(|row| row.user == t.maya.id), "{search:?}");
    }
}

/// A name that would be refused today was let in before: everything that shows it goes on.
#[sqlx::test]
async fn a_name_from_before_is_shown_as_it_is(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for before in ["\u{3164}", "\u{2800}", "Olivia\u{200C} Owner", "Оlivia", "Zoe\u{308}"] {
        sql(
            &pool,
            &format!("UPDATE users SET name = '{before}' WHERE id = '{}'", t.maya.id),
        )
        .await;
        sql(&pool, &format!("UPDATE organizations SET name = '{before}'")).await;
        sql(&pool, &format!("UPDATE projects SET name = '{before}'")).await;
        let (d, owner) = (&t.directory, &t.owner.actor);
        let members = MemberQuery {
            limit: 10,
            ..MemberQuery::default()
        };
        d.members(owner, &t.slug, &members).await.unwrap();
        let people = CollaboratorQuery {
            limit: 10,
            ..CollaboratorQuery::default()
        };
        let list = d.collaborators(owner, &t.research.slug, &people).await.unwrap();
        assert!(list.rows.iter().any(|row| row.name.as_str() == before));
        d.organization_settings(owner, &t.slug).await.unwrap();
        d.project(owner, &t.research.slug).await.unwrap();
    }
}

/// W2, P4: what was typed to confirm is compared by what is seen, and a slug without its case.
#[sqlx::test]
async fn what_confirms_is_what_is_seen(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, &t.owner.actor);
    for wrong in ["", "Acme", "acme research", "Acme\u{202E}Research"] {
        let outcome = d.transfer_ownership(owner, &t.slug, t.admin.id, wrong).await;
        assert_eq!(refusal(outcome), Refusal::ConfirmationWrong, "{wrong:?}");
    }
    d.transfer_ownership(owner, &t.slug, t.admin.id, " Acme\u{A0}Re\u{AD}search\u{200B}")
        .await
        .unwrap();
    let typed = format!("\u{FEFF}{} ", t.research.slug.as_str().to_uppercase());
    d.delete_project(owner, &t.research.slug, &typed).await.unwrap();
}

/// Every door that takes an address takes it as mail programs give it.
#[sqlx::test]
async fn an_address_is_taken_as_it_is_pasted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, &t.owner.actor);
    let added = d
        .add_collaborator(
            owner,
            &t.production.slug,
            "\u{202A}\"Muster, Maya\" <MAYA@acme.test>\u{202C}",
        )
        .await
        .unwrap();
    assert_eq!(added.user, t.maya.id);
    for (typed, expected) in [
        ("noah@acme.test, lea@acme.test", Refusal::EmailSeveral),
        ("nöah@acme.test", Refusal::EmailNotAscii),
        ("Noah Newcomer", Refusal::EmailInvalid),
        ("\u{202E}tset.emca@haon", Refusal::EmailInvalid),
    ] {
        let outcome = d.add_collaborator(owner, &t.production.slug, typed).await;
        assert_eq!(refusal(outcome), expected, "{typed:?}");
    }
    let invited = d
        .invite_member(owner, &t.slug, "Ü <user@münchen.example>")
        .await
        .unwrap();
    assert_eq!(invited.email.as_str(), "user@xn--mnchen-3ya.example");
    let again = d
        .invite_member(owner, &t.slug, "mailto:USER@xn--mnchen-3ya.example?x")
        .await;
    assert_eq!(refusal(again), Refusal::AlreadyInvited);
    let query = InvitationQuery {
        search: "user@MÜNCHEN.example".to_owned(),
        limit: 10,
        ..InvitationQuery::default()
    };
    assert_eq!(
        d.invitations(&t.owner.actor, &t.slug, &query).await.unwrap().rows.len(),
        1
    );
    // The link to it, as it is copied out of a mail.
    let link = invited.token.reveal();
    let (head, tail) = link.split_at(20);
    for pasted in [
        format!("{link}."),
        format!("{link})>"),
        format!(" {head}\r\n {tail}\u{200B}"),
        format!("{link}\u{A0}"),
    ] {
        let token = LinkToken::parse(&pasted).unwrap();
        d.confirm_invited(&anonymous(), &token, "<USER@münchen.example>")
            .await
            .unwrap();
    }
}

/// E4: a folded key is taken, and its comment is as much of a name as one can be.
#[sqlx::test]
async fn an_ssh_key_is_taken_as_terminals_give_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, maya) = (&t.directory, &t.maya.actor);
    let long = format!("{ED25519} {}", "x".repeat(120));
    let folded: Vec<String> = long
        .as_bytes()
        .chunks(72)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let called = d.add_ssh_key(maya, "\u{200B} ", &folded.join("\r\n")).await.unwrap();
    assert_eq!(called.as_str(), "x".repeat(100));
    let again = d.add_ssh_key(maya, "Laptop", ED25519).await;
    assert_eq!(refusal(again), Refusal::SshKeyTaken);
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA";
    for (name, key, expected) in [
        (private, ED25519, Refusal::SshKeyPrivate),
        ("Laptop", private, Refusal::SshKeyPrivate),
        ("Laptop", "b3BlbnNzaC1rZXktdjEAAAAA", Refusal::SshKeyPrivate),
        (
            "Laptop",
            "~/.ssh/id_ed25519.pub",
            Refusal::SshKeyFormat(SshKeyFormat::Path),
        ),
    ] {
        assert_eq!(refusal(d.add_ssh_key(maya, name, key).await), expected, "{key}");
    }
    let kept = "SELECT count(*) FROM audit_events e WHERE e::text LIKE '%PRIVATE%' OR e::text LIKE '%b3Blb%'";
    assert_eq!(count(&pool, kept).await, 0);
}

/// What is stored can't be told apart from what it is compared with.
#[sqlx::test]
async fn a_name_is_stored_as_it_is_seen(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let called = Name::from_input("Maya\u{200C}\u{3164}Muster\u{2060}").unwrap();
    t.directory.change_name(&t.maya.actor, &called).await.unwrap();
    assert_eq!(called, name("Maya Muster"));
    let same = "SELECT count(*) FROM users WHERE name = 'Maya Muster'";
    assert_eq!(count(&pool, same).await, 1);
}
