//! J3: what ends by the first proof of an address, and what does not.

use policy::{KeyScope, Refusal};
use sqlx::PgPool;

use super::{
    fixture::{OTHER_PASSWORD, PASSWORD, Tenant, actor, anonymous, email, name, nowhere, password, refusal, sql},
    verification::{NINA, is_proved, link, mail, sign_up},
};
use crate::{Directory, InvitationState, LinkToken, NewApiKey, Origin, Principal};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh";

/// What a stranger who signed up with somebody's address may have put into the account.
struct Held {
    stranger: Principal,
    key: NewApiKey,
    default: NewApiKey,
    invited: LinkToken,
    reset: LinkToken,
}

async fn held(t: &Tenant) -> Held {
    let d = &t.directory;
    let stranger = sign_up(t).await;
    d.add_ssh_key(&stranger, "Theirs", KEY).await.unwrap();
    let own = d.current_project(&stranger, None, None).await.unwrap().unwrap();
    let key = d
        .create_api_key(&stranger, &own.slug, &name("Theirs"), KeyScope::Manage, None)
        .await
        .unwrap();
    let default = d.regenerate_default_key(&stranger, &own.slug).await.unwrap();
    let invited = d
        .invite_member(&stranger, &own.organization_slug, "friend@new.test")
        .await
        .unwrap()
        .token;
    d.request_password_reset(&anonymous(), NINA).await.unwrap();
    // The invitation isn't mailed: the stranger's own address isn't proved.
    let reset = mail(d).await.token.unwrap();
    Held {
        stranger,
        key,
        default,
        invited,
        reset,
    }
}

impl Held {
    /// Whether everything of it but the key ended, or nothing of it.
    async fn is_over(&self, d: &Directory) -> bool {
        let over = [
            !d.session_lives(self.stranger.session().unwrap()).await.unwrap(),
            d.ssh_keys(&self.stranger).await.unwrap().is_empty(),
            d.authenticate_key(&self.default.secret, Origin::default())
                .await
                .is_err(),
            d.open_invitation(&self.invited).await.unwrap().state == InvitationState::Revoked,
            d.open_password_reset(&self.reset).await.is_err(),
        ];
        assert!(over.iter().all(|ended| *ended == over[0]), "{over:?}");
        assert!(
            d.authenticate_key(&self.key.secret, Origin::default()).await.is_ok(),
            "K5"
        );
        over[0]
    }
}

/// J3: whoever reads the mailbox and isn't signed in to the account gets it, with a password of their own. All that its
/// holder had ends; the keys they made are listed, and revoked one by one.
#[sqlx::test]
async fn j3_the_first_proof_by_somebody_else_ends_everything(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let held = held(&t).await;
    let token = link(d, &held.stranger).await;
    for weak in ["", "short"] {
        assert_eq!(
            refusal(d.verify_address(&anonymous(), &token, weak).await),
            Refusal::PasswordInvalid
        );
    }
    assert!(!held.is_over(d).await, "nothing happened yet");
    let (verified, events) = t.audited(d.verify_address(&anonymous(), &token, OTHER_PASSWORD)).await;
    let verified = verified.unwrap();
    assert!(verified.is_taken_over && held.is_over(d).await);
    let nina = actor(d, &verified.session.token).await;
    assert_eq!(nina.id(), held.stranger.id());
    assert!(is_proved(d, nina.id()).await);
    assert_eq!(
        refusal(d.sign_in(&anonymous(), NINA, PASSWORD).await),
        Refusal::CredentialsWrong
    );
    d.sign_in(&anonymous(), NINA, OTHER_PASSWORD).await.unwrap();
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        ["user:take_over", "user:end_invitations", "api_key:forget_default"]
    );

    let made = d.made_keys(&nina).await.unwrap();
    let [key] = &made.keys[..] else { panic!("{made:?}") };
    assert_eq!((key.id, made.key_count), (held.key.id, 1));
    assert_eq!(
        refusal(d.revoke_made_keys(&t.maya.actor, &[key.id]).await),
        Refusal::Hidden
    );
    assert_eq!(d.revoke_made_keys(&nina, &[key.id]).await.unwrap(), [name("Theirs")]);
    assert!(d.authenticate_key(&held.key.secret, Origin::default()).await.is_err());
    assert!(d.made_keys(&nina).await.unwrap().keys.is_empty());
    assert_eq!(refusal(d.revoke_made_keys(&nina, &[key.id]).await), Refusal::Hidden);
    assert_eq!(refusal(d.revoke_made_keys(&nina, &[]).await), Refusal::NothingChosen);
}

/// J3: so does a mailed link to a new password, and the operator's new password, while the address isn't proved.
#[sqlx::test]
async fn j3_a_new_password_of_an_unproved_account_ends_everything(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let first = held(&t).await;
    assert!(!d.open_password_reset(&first.reset).await.unwrap().is_proved);
    d.reset_password(&anonymous(), &first.reset, password(OTHER_PASSWORD), false)
        .await
        .unwrap();
    assert!(first.is_over(d).await && is_proved(d, first.stranger.id()).await);
    sql(
        &pool,
        "UPDATE users SET email = 'old@new.test' WHERE email = 'nina@new.test'",
    )
    .await;
    sql(&pool, "DELETE FROM attempts").await;

    let second = held(&t).await;
    d.set_password(&Principal::operator(), &email(NINA), password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert!(second.is_over(d).await && !is_proved(d, second.stranger.id()).await);
}

/// J3: whoever made the account and reads the mailbox is one person: neither their own session nor their password ends
/// anything.
#[sqlx::test]
async fn j3_a_proof_by_whoever_made_the_account_ends_nothing(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let held = held(&t).await;
    let (first, second) = (link(d, &held.stranger).await, link(d, &held.stranger).await);
    assert_eq!(
        refusal(d.verify_own_address(&t.maya.actor, &first).await),
        Refusal::LinkDead,
        "another's link proves nothing of one's own"
    );
    let verified = d.verify_address(&anonymous(), &first, PASSWORD).await.unwrap();
    assert!(!verified.is_taken_over && !held.is_over(d).await);
    assert!(is_proved(d, held.stranger.id()).await);
    for token in [&first, &second, &nowhere()] {
        assert_eq!(refusal(d.open_verification(token).await), Refusal::LinkDead);
        assert_eq!(
            refusal(d.verify_own_address(&held.stranger, token).await),
            Refusal::LinkDead
        );
        assert_eq!(
            refusal(d.verify_address(&anonymous(), token, OTHER_PASSWORD).await),
            Refusal::LinkDead
        );
    }
    d.resend_verification(&held.stranger).await.unwrap();
    assert!(d.take_mail().await.unwrap().is_none(), "nothing is left to prove");
}
