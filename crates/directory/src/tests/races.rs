//! What is done at the same instant: some order explains it, and no check is older than the change it allows.

use std::{cell::RefCell, future::Future, pin::Pin};

use policy::{
    KeyScope, Name, OrganizationRole, OrganizationStanding, Permission, ProjectRole, Refusal, UsageKind, UsageRecordId,
    UsageUnit, UserId,
};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Person, Project, Tenant, account, actor, anonymous, count, email, name, origin, password,
    refusal, slug, sql, until_one_waits, until_waiting,
};
use crate::{
    Error, InvitationState, LinkToken, MemberQuery, Principal, ProjectRef, Result, UsageRecord,
    authorization::writer::Writer, links, memberships,
};

const ROUNDS: usize = 15;

/// C3: one person is there once, and whoever came second is told.
#[sqlx::test]
async fn of_two_who_add_the_same_person_at_once_one_is_told_they_are_there(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..ROUNDS {
        for person in [&t.noah, &t.stranger] {
            let (a, b, c) = tokio::join!(
                d.add_collaborator(&t.owner.actor, slug, &person.email),
                d.add_collaborator(&t.lead.actor, slug, &person.email),
                d.add_collaborator(&t.admin.actor, slug, &person.email),
            );
            let (done, refused): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(Result::is_ok);
            assert_eq!((done.len(), refused.len()), (1, 2));
            for outcome in refused {
                assert_eq!(refusal(outcome), Refusal::AlreadyCollaborator);
            }
            d.remove_collaborator(&t.owner.actor, slug, person.id, &[])
                .await
                .unwrap();
        }
    }
}

/// C5, C6: a removal and a promotion at once leave the person removed, whichever came first.
#[sqlx::test]
async fn a_promotion_does_not_undo_a_removal(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..ROUNDS {
        let (removed, promoted) = tokio::join!(
            d.remove_collaborator(&t.owner.actor, slug, t.maya.id, &[]),
            d.change_collaborator_role(&t.lead.actor, slug, t.maya.id, ProjectRole::Admin),
        );
        removed.unwrap();
        if let Err(error) = promoted {
            assert!(matches!(error, Error::Refused(Refusal::NotACollaborator)), "{error}");
        }
        assert!(!t.sees(&t.research, &t.maya).await);
        t.put(&t.research, &t.maya, ProjectRole::Member).await;
    }
}

/// R2: somebody demoted while they add somebody did so before, or not at all. The audit tells the same order.
#[sqlx::test]
async fn nobody_adds_with_a_role_they_have_lost(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for round in 0..ROUNDS {
        let add = d.add_collaborator(&t.lead.actor, slug, &t.noah.email);
        let demote = d.change_collaborator_role(&t.owner.actor, slug, t.lead.id, ProjectRole::Member);
        let ((added, demoted), events) = t
            .audited(async {
                if round % 2 == 0 {
                    tokio::join!(add, demote)
                } else {
                    let (demoted, added) = tokio::join!(demote, add);
                    (added, demoted)
                }
            })
            .await;
        demoted.unwrap();
        let [first, second] = &events[..] else {
            panic!("{events:?}")
        };
        match added {
            Ok(_) => {
                assert_eq!(
                    (first.action.as_str(), second.action.as_str()),
                    ("collaborator:add", "collaborator:update_role")
                );
                d.remove_collaborator(&t.owner.actor, slug, t.noah.id, &[])
                    .await
                    .unwrap();
            }
            Err(error) => {
                assert!(matches!(error, Error::Refused(Refusal::Forbidden(_))), "{error}");
                assert!(!t.sees(&t.research, &t.noah).await);
            }
        }
        d.change_collaborator_role(&t.owner.actor, slug, t.lead.id, ProjectRole::Admin)
            .await
            .unwrap();
    }
}

/// R2: the same, made to happen: the demotion is under way and holds the lock when the add comes.
#[sqlx::test]
async fn an_add_that_waits_for_a_demotion_sees_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let mut tx = t.hold(&t.research).await;
    sqlx::query("UPDATE collaborators SET role = 'member' WHERE user_id = $1")
        .bind(t.lead.id.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    let (added, ()) = tokio::join!(
        t.directory
            .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email),
        async {
            until_one_waits(&pool).await;
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(refusal(added), Refusal::Forbidden(Permission::CollaboratorAdd));
}

/// P2, P3: a change that waited while the slug changed hands finds the project gone from there.
#[sqlx::test]
async fn a_change_that_waits_for_a_new_slug_does_not_find_the_project_by_the_old_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let mut tx = t.hold(&t.research).await;
    sqlx::query("UPDATE project_slugs SET released_at = now() WHERE slug = $1")
        .bind(t.research.slug.as_str())
        .execute(&mut *tx)
        .await
        .unwrap();
    let (added, ()) = tokio::join!(
        t.directory
            .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email),
        async {
            until_one_waits(&pool).await;
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(refusal(added), Refusal::Hidden);
}

/// M6, C2: a member removed while they are added to a project does not stay in it as an external.
#[sqlx::test]
async fn a_removed_member_is_in_no_project_however_late_they_were_added(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for round in 0..ROUNDS {
        let person = t.someone("Race", &format!("race{round}@acme.test")).await;
        t.join(&person, OrganizationRole::Member).await;
        // Production takes no externals: whichever comes first, nobody is left there.
        let (added, removed) = tokio::join!(
            t.directory
                .add_collaborator(&t.owner.actor, &t.production.slug, &person.email),
            t.directory.remove_member(&t.admin.actor, &t.slug, person.id),
        );
        removed.unwrap();
        if let Err(error) = added {
            assert!(matches!(error, Error::Refused(Refusal::NotInOrganization)), "{error}");
        }
        assert!(!t.sees(&t.production, &person).await);
    }
}

/// M6, W1: two Admins who remove each other at once: one of them is out, the other stays, and was told.
#[sqlx::test]
async fn of_two_admins_who_remove_each_other_one_stays(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = t.someone("Ada Admin", "ada@acme.test").await;
    t.join(&other, OrganizationRole::Admin).await;
    let (a, b) = tokio::join!(
        t.directory.remove_member(&t.admin.actor, &t.slug, other.id),
        t.directory.remove_member(&other.actor, &t.slug, t.admin.id),
    );
    let (winner, loser, refused) = match (a, b) {
        (Ok(_), refused) => (&t.admin, &other, refused),
        (refused, Ok(_)) => (&other, &t.admin, refused),
        (Err(a), Err(b)) => panic!("{a} {b}"),
    };
    assert_eq!(refusal(refused), Refusal::Hidden);
    assert!(t.sees(&t.default, winner).await && !t.sees(&t.default, loser).await);
}

/// Starts both, this one or the other first by turns, and answers how each went.
async fn both<A, B>(round: usize, a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    if round.is_multiple_of(2) {
        tokio::join!(a, b)
    } else {
        let (b, a) = tokio::join!(b, a);
        (a, b)
    }
}

/// The one that was refused, of two of which one was done.
#[track_caller]
fn one_refused<A, B>(a: Result<A>, b: Result<B>) -> Refusal {
    match (a, b) {
        (Ok(_), b) => refusal(b),
        (a, Ok(_)) => refusal(a),
        (Err(a), Err(b)) => panic!("{a} {b}"),
    }
}

impl Tenant {
    async fn accept_new(&self, token: &LinkToken) -> Result<()> {
        let (name, password, origin) = (name("Nina New"), password(PASSWORD), origin());
        let accepted = self
            .directory
            .accept_invitation_as_new(&Principal::anonymous(origin.clone()), token, name, password)
            .await;
        accepted.map(drop)
    }

    /// What every reader of the members says: that the list can be read, and who is in it.
    async fn member_ids(&self) -> Vec<UserId> {
        let query = MemberQuery {
            limit: 1000,
            ..MemberQuery::default()
        };
        let list = self
            .directory
            .members(&self.owner.actor, &self.slug, &query)
            .await
            .unwrap();
        list.rows.iter().map(|row| row.user).collect()
    }
}

/// M3: a link works once, however many press the button at once: as new, signed in, or one of each.
#[sqlx::test]
async fn of_two_who_accept_one_link_at_once_one_is_told_it_was_used(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for round in 0..ROUNDS {
        let sent = t.invite(&format!("new{round}@new.test")).await;
        let (a, b) = tokio::join!(t.accept_new(&sent.token), t.accept_new(&sent.token));
        assert_eq!(one_refused(a, b), Refusal::InvitationAccepted);

        let nina = t.someone("Nina New", &format!("known{round}@new.test")).await;
        let sent = t.invite(&nina.email).await;
        let (a, b) = tokio::join!(
            t.directory.accept_invitation(&nina.actor, &sent.token),
            t.directory.accept_invitation(&nina.actor, &sent.token),
        );
        assert_eq!(one_refused(a, b), Refusal::InvitationAccepted);
        assert!(t.has_member(&nina.actor).await);

        let sent = t.invite(&t.stranger.email).await;
        let (signed_in, as_new) = both(
            round,
            t.directory.accept_invitation(&t.stranger.actor, &sent.token),
            t.accept_new(&sent.token),
        )
        .await;
        signed_in.unwrap();
        let refused = refusal(as_new);
        assert!(
            matches!(refused, Refusal::EmailTaken | Refusal::InvitationAccepted),
            "{refused:?}"
        );
        t.directory
            .remove_member(&t.owner.actor, &t.slug, t.stranger.id)
            .await
            .unwrap();
    }
    assert_eq!(t.member_ids().await.len(), 5 + 2 * ROUNDS);
}

/// O2: an invitation accepted and a sign-up with its address at once make one account.
#[sqlx::test]
async fn an_address_that_signs_up_while_it_accepts_has_one_account(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for round in 0..ROUNDS {
        let address = format!("both{round}@new.test");
        let sent = t.invite(&address).await;
        let origin = origin();
        let (accepted, signed_up) = both(
            round,
            t.accept_new(&sent.token),
            t.directory
                .sign_up(&Principal::anonymous(origin.clone()), account("Nina New", &address)),
        )
        .await;
        let (state, is_accepted) = (
            t.directory.open_invitation(&sent.token).await.unwrap().state,
            accepted.is_ok(),
        );
        assert_eq!(one_refused(accepted, signed_up), Refusal::EmailTaken);
        assert_eq!(state == InvitationState::Accepted, is_accepted);
    }
}

/// M3: an invitation is accepted or revoked, and both are told which.
#[sqlx::test]
async fn an_invitation_accepted_while_it_is_revoked_is_one_of_both(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let nina = t.someone("Nina New", &format!("nina{round}@new.test")).await;
        let sent = t.invite(&nina.email).await;
        let (accepted, revoked) = both(
            round,
            d.accept_invitation(&nina.actor, &sent.token),
            d.revoke_invitation(&t.owner.actor, &t.slug, sent.id),
        )
        .await;
        let is_member = accepted.is_ok();
        let expected = if is_member {
            (Refusal::InvitationAccepted, InvitationState::Accepted)
        } else {
            (Refusal::InvitationRevoked, InvitationState::Revoked)
        };
        let state = d.open_invitation(&sent.token).await.unwrap().state;
        assert_eq!((one_refused(accepted, revoked), state), expected);
        assert_eq!(t.has_member(&nina.actor).await, is_member);
    }
}

/// M3: sent again while it is accepted: the old link worked, or is dead.
#[sqlx::test]
async fn an_invitation_accepted_while_it_is_sent_again_is_accepted_or_has_a_new_link(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let nina = t.someone("Nina New", &format!("nina{round}@new.test")).await;
        let sent = t.invite(&nina.email).await;
        let (accepted, again) = both(
            round,
            d.accept_invitation(&nina.actor, &sent.token),
            d.resend_invitation(&t.owner.actor, &t.slug, sent.id),
        )
        .await;
        match (accepted, again) {
            (Ok(_), again) => assert_eq!(refusal(again), Refusal::InvitationAccepted),
            (accepted, Ok(again)) => {
                assert_eq!(refusal(accepted), Refusal::Hidden);
                d.accept_invitation(&nina.actor, &again.token).await.unwrap();
            }
            (Err(a), Err(b)) => panic!("{a} {b}"),
        }
        assert!(t.has_member(&nina.actor).await);
    }
}

/// M3: one open invitation per address, whoever invites at once.
#[sqlx::test]
async fn of_two_who_invite_one_address_at_once_one_is_told(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let (one, other) = (format!("nina{round}@new.test"), format!("NINA{round}@New.test"));
        let (a, b) = tokio::join!(
            d.invite_member(&t.owner.actor, &t.slug, &one),
            d.invite_member(&t.admin.actor, &t.slug, &other),
        );
        assert_eq!(one_refused(a, b), Refusal::AlreadyInvited);
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM invitations").await, 15);
}

/// M2, M6: nobody invites with a right they are losing: what they sent is revoked, or they were refused.
#[sqlx::test]
async fn nobody_invites_past_the_end_of_their_right(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let address = format!("nina{round}@new.test");
        let (invited, demoted) = both(
            round,
            d.invite_member(&t.admin.actor, &t.slug, &address),
            d.change_member_role(&t.owner.actor, &t.slug, t.admin.id, OrganizationRole::Member),
        )
        .await;
        demoted.unwrap();
        match invited {
            Ok(sent) => {
                let opened = d.open_invitation(&sent.token).await.unwrap();
                assert_eq!(opened.state, InvitationState::Revoked);
            }
            refused => assert_eq!(refusal(refused), Refusal::Forbidden(Permission::MemberInvite)),
        }
        d.change_member_role(&t.owner.actor, &t.slug, t.admin.id, OrganizationRole::Admin)
            .await
            .unwrap();
    }
    let open = "SELECT count(*) FROM invitations WHERE revoked_at IS NULL";
    assert_eq!(count(&pool, open).await, 0);
}

/// W2: of two transfers by one Owner one is done; the other came from somebody who owns it no more.
#[sqlx::test]
async fn of_two_transfers_at_once_one_is_done(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.join(&t.stranger, OrganizationRole::Admin).await;
    let mut owner = &t.owner;
    for round in 0..ROUNDS {
        let [one, other] = [&t.owner, &t.admin, &t.stranger]
            .into_iter()
            .filter(|person| person.id != owner.id)
            .collect::<Vec<_>>()[..]
        else {
            panic!()
        };
        let (a, b) = both(
            round,
            d.transfer_ownership(&owner.actor, &t.slug, one.id, "Acme Research"),
            d.transfer_ownership(&owner.actor, &t.slug, other.id, "Acme Research"),
        )
        .await;
        let next = if a.is_ok() { one } else { other };
        assert_eq!(one_refused(a, b), Refusal::OwnerOnly);
        let place = d.member(&next.actor, &t.slug, next.id).await.unwrap().standing;
        assert_eq!(place, OrganizationStanding::Owner);
        owner = next;
    }
}

/// W1, W2: whoever is made the Owner while they are removed or demoted is the Owner, or was no Admin any more.
#[sqlx::test]
async fn an_organization_has_an_owner_who_is_an_admin_whatever_happens_at_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let other = t.someone("Ada Admin", "ada@acme.test").await;
    t.join(&other, OrganizationRole::Admin).await;
    for round in 0..ROUNDS {
        let heir = t.someone("Hal Heir", &format!("hal{round}@acme.test")).await;
        t.join(&heir, OrganizationRole::Admin).await;
        let transfer = d.transfer_ownership(&t.owner.actor, &t.slug, heir.id, "Acme Research");
        let ending = async {
            if round % 3 == 0 {
                d.change_member_role(&other.actor, &t.slug, heir.id, OrganizationRole::Member)
                    .await
            } else {
                d.remove_member(&other.actor, &t.slug, heir.id)
                    .await
                    .map(|done| done.name)
            }
        };
        let (transferred, ended) = both(round, transfer, ending).await;
        if transferred.is_ok() {
            assert_eq!(refusal(ended), Refusal::OwnerProtected);
            d.transfer_ownership(&heir.actor, &t.slug, t.owner.id, "Acme Research")
                .await
                .unwrap();
        } else {
            let expected = if round % 3 == 0 {
                Refusal::NotAnAdmin
            } else {
                Refusal::NotAMember
            };
            ended.unwrap();
            assert_eq!(refusal(transferred), expected);
        }
    }
}

/// M6: a promotion does not bring back whom a removal took.
#[sqlx::test]
async fn a_removal_and_a_promotion_at_once_leave_no_member(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let person = t.someone("Race", &format!("race{round}@acme.test")).await;
        t.join(&person, OrganizationRole::Member).await;
        let (removed, promoted) = both(
            round,
            d.remove_member(&t.admin.actor, &t.slug, person.id),
            d.change_member_role(&t.owner.actor, &t.slug, person.id, OrganizationRole::Admin),
        )
        .await;
        removed.unwrap();
        if promoted.is_err() {
            assert_eq!(refusal(promoted), Refusal::NotAMember);
        }
        assert!(!t.has_member(&person.actor).await);
        assert!(d.find_projects(&person.actor, None, "", 10).await.unwrap().is_empty());
    }
}

/// P2: a slug goes to one of two new projects, of one organization or of two.
#[sqlx::test]
async fn of_two_projects_made_with_one_slug_at_once_one_is_made(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let d = &t.directory;
    let title = name("Wanted");
    for round in 0..ROUNDS {
        let (inside, across) = (slug(&format!("inside-{round}")), slug(&format!("across-{round}")));
        let (a, b) = tokio::join!(
            d.create_project(&t.owner.actor, &t.slug, &title, &inside),
            d.create_project(&t.admin.actor, &t.slug, &title, &inside),
        );
        assert_eq!(one_refused(a, b), Refusal::SlugTaken);
        let (a, b) = both(
            round,
            d.create_project(&t.owner.actor, &t.slug, &title, &across),
            d.create_project(&other.owner.actor, &other.slug, &title, &across),
        )
        .await;
        assert_eq!(one_refused(a, b), Refusal::SlugTaken);
    }
    let made = "SELECT count(*) FROM projects WHERE name = 'Wanted'";
    assert_eq!(count(&pool, made).await, 30, "nothing is left of what was refused");
}

/// P4: of two who delete a project at once one finds it gone; and nobody is added to what is being deleted.
#[sqlx::test]
async fn a_project_is_deleted_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let slug = slug(&format!("short-lived-{round}"));
        d.create_project(&t.owner.actor, &t.slug, &name("Short-lived"), &slug)
            .await
            .unwrap();
        let (a, b, added) = tokio::join!(
            d.delete_project(&t.owner.actor, &slug, slug.as_str()),
            d.delete_project(&t.admin.actor, &slug, slug.as_str()),
            d.add_collaborator(&t.owner.actor, &slug, &t.noah.email),
        );
        assert_eq!(one_refused(a, b), Refusal::Hidden);
        if added.is_err() {
            assert_eq!(refusal(added), Refusal::Hidden);
        }
        assert_eq!(refusal(d.project(&t.noah.actor, &slug).await), Refusal::Hidden);
    }
}

/// An organization is deleted, or somebody is in it or a project made; never both.
#[sqlx::test]
async fn an_organization_that_is_joined_while_it_is_deleted_is_there_or_not(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let address = format!("founder{round}@new.test");
        let session = d.sign_up(&anonymous(), account("Fay Founder", &address)).await.unwrap();
        let fay = actor(d, &session.token).await;
        let own = d.organizations_of(&fay, 10).await.unwrap().remove(0);
        let sent = d.invite_member(&fay, &own.slug, &t.noah.email).await.unwrap();
        let (joined, deleted) = both(
            round,
            d.accept_invitation(&t.noah.actor, &sent.token),
            d.delete_organization(&fay, &own.slug, own.name.as_str()),
        )
        .await;
        let expected = if joined.is_ok() {
            Refusal::OrganizationInUse
        } else {
            Refusal::Hidden
        };
        assert_eq!(one_refused(joined, deleted), expected);
    }
}

/// What becomes of an account deleted while something is done about its person: never a fault, and never a member or
/// collaborator whom no list can show.
struct Leaver {
    person: Person,
    actor: Principal,
}

impl Tenant {
    async fn leaver(&self, round: usize) -> Leaver {
        let person = self.someone("Lou Leaver", &format!("lou{round}@new.test")).await;
        let actor = self.sign_in(&person).await;
        Leaver { person, actor }
    }

    async fn nothing_is_left_of(&self, leaver: &Leaver) {
        for table in ["members", "collaborators", "sessions", "password_reset_tokens"] {
            let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{}'", leaver.person.id);
            assert_eq!(count(&self.pool, &left).await, 0, "{table}");
        }
        assert!(!self.member_ids().await.contains(&leaver.person.id));
    }
}

/// W1, M5: accepted before it was deleted, or not at all.
#[sqlx::test]
async fn an_account_deleted_while_it_accepts_is_no_member(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let lou = t.leaver(round).await;
        let sent = t.invite(&lou.person.email).await;
        let (deleted, accepted) = both(round, d.delete_account(&lou.actor, PASSWORD), async {
            // Verifying the password takes a while, which the other way would always be over in.
            tokio::time::sleep(std::time::Duration::from_millis(2 * round as u64)).await;
            d.accept_invitation(&lou.actor, &sent.token).await
        })
        .await;
        deleted.unwrap();
        if accepted.is_err() {
            assert_eq!(refusal(accepted), Refusal::SignedOut);
        }
        t.nothing_is_left_of(&lou).await;
    }
}

/// The same, made to happen: the acceptance is about to commit when the account is deleted.
#[sqlx::test]
async fn a_deletion_that_waits_for_an_acceptance_ends_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let lou = t.leaver(0).await;
    let mut tx = Writer::for_worker(t.directory.pool.begin().await.unwrap(), Uuid::now_v7);
    let at = OffsetDateTime::now_utc();
    memberships::insert(
        &mut tx,
        t.organization,
        lou.person.id,
        OrganizationRole::Member,
        None,
        at,
    )
    .await
    .unwrap();
    let (deleted, ()) = tokio::join!(t.directory.delete_account(&lou.actor, PASSWORD), async {
        until_one_waits(&pool).await;
        tx.into_transaction().commit().await.unwrap();
    });
    deleted.unwrap();
    t.nothing_is_left_of(&lou).await;
}

/// The other way round, and the same of a new name: the person's row is changing when they are let in somewhere.
#[sqlx::test]
async fn whoever_is_let_in_while_they_change_is_let_in_as_they_are_then(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let deleting = "email = NULL, email_proved_at = NULL, name = 'Deleted user', deleted_at = now()";
    for (round, change) in [deleting, "name = 'Lou Later'"].into_iter().enumerate() {
        let is_deleted = change == deleting;
        for way in ["accept", "add", "default role"] {
            let person = t.someone("Lou Leaver", &format!("{}{round}@new.test", &way[..3])).await;
            let lou = Leaver {
                actor: person.actor.clone(),
                person,
            };
            let sent = if way == "accept" {
                Some(t.invite(&lou.person.email).await)
            } else {
                None
            };
            if way == "default role" {
                t.join(&lou.person, OrganizationRole::Member).await;
            }
            let mut tx = pool.begin().await.unwrap();
            let update = format!("UPDATE users SET {change} WHERE id = '{}'", lou.person.id);
            sqlx::raw_sql(sqlx::AssertSqlSafe(update))
                .execute(&mut *tx)
                .await
                .unwrap();
            if is_deleted {
                let end = format!(
                    "DELETE FROM members WHERE user_id = '{0}'; DELETE FROM sessions WHERE user_id = '{0}'",
                    lou.person.id
                );
                sqlx::raw_sql(sqlx::AssertSqlSafe(end)).execute(&mut *tx).await.unwrap();
            }
            let doing = async {
                match (way, &sent) {
                    (_, Some(sent)) => d.accept_invitation(&lou.actor, &sent.token).await.map(drop),
                    ("add", _) => d
                        .add_collaborator(&t.owner.actor, &t.research.slug, &lou.person.email)
                        .await
                        .map(drop),
                    _ => {
                        let (a, slug) = (&t.owner.actor, &t.default.slug);
                        d.change_collaborator_role(a, slug, lou.person.id, ProjectRole::Admin)
                            .await
                            .map(drop)
                    }
                }
            };
            let (done, ()) = tokio::join!(doing, async {
                until_one_waits(&pool).await;
                tx.commit().await.unwrap();
            });
            if is_deleted {
                let expected = match way {
                    "accept" => Refusal::SignedOut,
                    "add" => Refusal::UserNotFound,
                    _ => Refusal::NotACollaborator,
                };
                assert_eq!(refusal(done), expected, "{way}");
                t.nothing_is_left_of(&lou).await;
            } else {
                done.unwrap();
                let names: Vec<String> = sqlx::query_scalar(
                    "SELECT name FROM members WHERE user_id = $1 UNION ALL SELECT name FROM collaborators WHERE user_id = $1",
                )
                .bind(lou.person.id.0)
                .fetch_all(&pool)
                .await
                .unwrap();
                assert!(names.iter().all(|name| name == "Lou Later"), "{way} {names:?}");
            }
        }
    }
}

/// A mail that is being made holds up nobody who deletes what it is about, nor they the mail.
#[sqlx::test]
async fn deleting_what_a_mail_is_about_waits_for_the_mail(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let lou = t.leaver(0).await;
    let session = d
        .sign_up(&anonymous(), account("Fay Founder", "fay@new.test"))
        .await
        .unwrap();
    let fay = actor(d, &session.token).await;
    // Nothing is mailed for those whose own address isn't proved.
    d.verify_as_operator(&Principal::operator(), &email("fay@new.test"))
        .await
        .unwrap();
    let own = d.organizations_of(&fay, 10).await.unwrap().remove(0);
    let organization = d.organization(&fay, &own.slug).await.unwrap().id;
    let sent = d.invite_member(&fay, &own.slug, "nina@new.test").await.unwrap();
    d.request_password_reset(&anonymous(), &lou.person.email).await.unwrap();
    let at = OffsetDateTime::now_utc();

    let mut tx = Writer::for_worker(d.pool.begin().await.unwrap(), Uuid::now_v7);
    sqlx::query("UPDATE outbox SET attempts = 1 WHERE organization_id IS NOT NULL")
        .execute(&mut *tx)
        .await
        .unwrap();
    let (deleted, ()) = tokio::join!(d.delete_organization(&fay, &own.slug, own.name.as_str()), async {
        until_one_waits(&pool).await;
        links::add_token(&mut tx, organization, sent.id, true).await.unwrap();
        tx.into_transaction().commit().await.unwrap();
    });
    deleted.unwrap();

    let mut tx = Writer::for_worker(d.pool.begin().await.unwrap(), Uuid::now_v7);
    sqlx::query("UPDATE outbox SET attempts = 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("SELECT FROM users WHERE id = $1 FOR KEY SHARE")
        .bind(lou.person.id.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    let (deleted, ()) = tokio::join!(d.delete_account(&lou.actor, PASSWORD), async {
        until_one_waits(&pool).await;
        links::add_reset_token(&mut tx, lou.person.id, at).await.unwrap();
        tx.into_transaction().commit().await.unwrap();
    });
    deleted.unwrap();
    t.nothing_is_left_of(&lou).await;
    sql(&pool, "UPDATE outbox SET next_attempt_at = now()").await;
    assert!(d.take_mail().await.unwrap().is_none());
}

/// An account is deleted once, and a password changed or reset at that instant opens nothing of it.
#[sqlx::test]
async fn of_two_who_delete_one_account_at_once_one_is_told_it_is_gone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let lou = t.leaver(round).await;
        let (a, b) = match round % 2 {
            0 => tokio::join!(
                d.delete_account(&lou.actor, PASSWORD),
                d.delete_account(&lou.actor, PASSWORD)
            ),
            _ => tokio::join!(
                d.delete_account(&lou.actor, PASSWORD),
                d.change_password(&lou.actor, PASSWORD, password(OTHER_PASSWORD))
            ),
        };
        let refused = one_refused(a, b);
        assert!(
            matches!(refused, Refusal::CurrentPasswordWrong | Refusal::SignedOut),
            "{refused:?}"
        );
    }
}

/// A name is what it was changed to last, and every list agrees.
#[sqlx::test]
async fn a_name_changed_twice_at_once_is_the_same_in_every_list(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let names: [Name; 2] = ["One", "Other"].map(name);
    for round in 0..ROUNDS {
        let (a, b, role) = tokio::join!(
            t.directory.change_name(&t.maya.actor, &names[round % 2]),
            t.directory.change_name(&t.maya.actor, &names[(round + 1) % 2]),
            t.directory
                .change_collaborator_role(&t.owner.actor, &t.default.slug, t.maya.id, ProjectRole::Admin),
        );
        a.unwrap();
        b.unwrap();
        role.unwrap();
        let differ = "SELECT count(DISTINCT name) FROM (
                          SELECT id, name FROM users UNION ALL SELECT user_id, name FROM members
                          UNION ALL SELECT user_id, name FROM collaborators
                      ) all_names WHERE id = ";
        assert_eq!(count(&pool, &format!("{differ}'{}'", t.maya.id)).await, 1);
        let back = "DELETE FROM collaborators WHERE project_id = ";
        sql(&pool, &format!("{back}'{}'", t.default.id)).await;
    }
}

// Whoever waits alone is not passed

type Work<'a> = (&'static str, Pin<Box<dyn Future<Output = ()> + 'a>>);

/// Runs these at once, each begun when the one before waits for a lock; then lets them go. The names, in the order in
/// which they were done.
async fn in_line(pool: &PgPool, held_up_by: &'static str, [first, second, third]: [Work<'_>; 3]) -> Vec<&'static str> {
    let done = RefCell::new(Vec::new());
    let follow = async |(name, work): Work<'_>| {
        work.await;
        done.borrow_mut().push(name);
    };
    let mut held = pool.begin().await.unwrap();
    sqlx::query(held_up_by).execute(&mut *held).await.unwrap();
    tokio::join!(
        follow(first),
        async {
            until_waiting(pool, 1).await;
            follow(second).await;
        },
        async {
            until_waiting(pool, 2).await;
            follow(third).await;
        },
        async {
            until_waiting(pool, 3).await;
            held.commit().await.unwrap();
        },
    );
    done.into_inner()
}

/// E5: a removal that waits for a report of usage is next, however many more reports come. They shared the project's
/// row, and a stream of them kept the removal waiting until it failed.
#[sqlx::test]
async fn e5_a_removal_is_not_passed_by_reports_of_usage(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, key) = (&t.directory, t.key(&t.research, KeyScope::Use).await);
    let report = async || {
        let record = UsageRecord {
            id: UsageRecordId(Uuid::now_v7()),
            at: OffsetDateTime::now_utc(),
            kind: UsageKind::Cluster,
            resource: None,
            quantity: 1,
            unit: UsageUnit::GpuSeconds,
            cost_micros: 1,
            corrects: None,
        };
        let own = ProjectRef::Id(key.api_key().unwrap().project);
        assert_eq!(d.record_usage(&key, Some(&own), &[record]).await.unwrap().recorded, 1);
    };
    let remove = async || {
        d.remove_collaborator(&t.owner.actor, &t.research.slug, t.maya.id, &[])
            .await
            .unwrap();
    };
    let order = in_line(
        &pool,
        "LOCK TABLE usage_days IN EXCLUSIVE MODE",
        [
            ("a report", Box::pin(report())),
            ("the removal", Box::pin(remove())),
            ("another report", Box::pin(report())),
        ],
    )
    .await;
    assert_eq!(order, ["a report", "the removal", "another report"]);
}

/// E5: a member's removal that waits for a change in one project is next, however many changes come in the others. They
/// share the organization's row.
#[sqlx::test]
async fn e5_a_members_removal_is_not_passed_by_changes_to_projects(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let add = async |project: &Project| {
        d.add_collaborator(&t.owner.actor, &project.slug, &t.noah.email)
            .await
            .unwrap();
    };
    let remove = async || {
        d.remove_member(&t.owner.actor, &t.slug, t.maya.id).await.unwrap();
    };
    let order = in_line(
        &pool,
        "LOCK TABLE audit_events IN EXCLUSIVE MODE",
        [
            ("a change", Box::pin(add(&t.research))),
            ("the removal", Box::pin(remove())),
            ("another change", Box::pin(add(&t.production))),
        ],
    )
    .await;
    assert_eq!(order, ["a change", "the removal", "another change"]);
}

/// P3: whoever has no access is answered at once, whatever goes on inside: how long it takes doesn't tell what there
/// is, and nobody from outside waits in a queue of those within.
#[sqlx::test]
async fn p3_whoever_has_no_access_waits_for_nothing(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(turn_in($1))")
        .bind(t.organization.0)
        .execute(&mut *held)
        .await
        .unwrap();
    for who in [&t.noah, &t.stranger] {
        let removal = d.remove_collaborator(&who.actor, &t.research.slug, t.maya.id, &[]);
        assert_eq!(refusal(removal.await), Refusal::Hidden);
    }
    let removal = d.remove_member(&t.stranger.actor, &t.slug, t.maya.id);
    assert_eq!(refusal(removal.await), Refusal::Hidden);
    // Those within do wait.
    let removal = d.remove_collaborator(&t.lead.actor, &t.research.slug, t.maya.id, &[]);
    let (outcome, ()) = tokio::join!(removal, async {
        until_one_waits(&pool).await;
        held.rollback().await.unwrap();
    });
    outcome.unwrap();
}
