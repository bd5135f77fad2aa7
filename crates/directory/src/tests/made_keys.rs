//! What becomes of the keys that manage when whoever made them is an Admin no more (K5, K11).

use policy::{ApiKeyId, KeyFate, KeyScope, OrganizationRole, ProjectRole, Refusal};
use sqlx::PgPool;

use super::fixture::{Person, Project, Tenant, count, name, refusal};
use crate::NewApiKey;

impl Tenant {
    async fn manage_key(&self, project: &Project, who: &Person, called: &str) -> NewApiKey {
        self.directory
            .create_api_key(&who.actor, &project.slug, &name(called), KeyScope::Manage, None)
            .await
            .unwrap()
    }

    /// The reach of a key that works, and nothing for one that is over.
    async fn reach(&self, key: &NewApiKey) -> Option<KeyScope> {
        let found = self
            .directory
            .authenticate_key(&key.secret, super::fixture::origin())
            .await;
        found.ok().map(|actor| actor.api_key().unwrap().reach)
    }
}

/// C5, K11: a project Admin's role is lowered only when it was said what becomes of the keys that manage which they
/// made there.
#[sqlx::test]
async fn k11_a_role_in_a_project_is_lowered_with_word_of_its_keys(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug, admin, lead) = (&t.directory, &t.research.slug, &t.admin.actor, t.lead.id);
    let (kept, lowered, ended) = (
        t.manage_key(&t.research, &t.lead, "A").await,
        t.manage_key(&t.research, &t.lead, "B").await,
        t.manage_key(&t.research, &t.lead, "C").await,
    );
    let others = t.manage_key(&t.research, &t.admin, "D").await;
    let lower = async |keys: &[(ApiKeyId, KeyFate)]| {
        d.change_collaborator_role_and_keys(admin, slug, lead, ProjectRole::Member, keys)
            .await
    };
    let asked = Refusal::ManageKeysDecide(lead);
    assert_eq!(refusal(lower(&[]).await), asked);
    assert_eq!(
        refusal(d.change_collaborator_role(admin, slug, lead, ProjectRole::Member).await),
        asked
    );
    let shown = d.manage_keys_of_collaborator(&t.admin.actor, slug, lead).await.unwrap();
    let names: Vec<_> = shown.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    // One that nothing was said about is asked about again, and nothing has happened.
    let some = [(kept.id, KeyFate::Revoke), (lowered.id, KeyFate::Lower)];
    assert_eq!(refusal(lower(&some).await), asked);
    assert_eq!(t.reach(&kept).await, Some(KeyScope::Manage));
    let all = [
        (kept.id, KeyFate::Keep),
        (lowered.id, KeyFate::Lower),
        (ended.id, KeyFate::Revoke),
        // Somebody else's key is not theirs to be decided about here.
        (others.id, KeyFate::Revoke),
    ];
    lower(&all).await.unwrap();
    assert_eq!(t.reach(&kept).await, Some(KeyScope::Manage));
    assert_eq!(t.reach(&lowered).await, Some(KeyScope::Use));
    assert_eq!(t.reach(&ended).await, None);
    assert_eq!(t.reach(&others).await, Some(KeyScope::Manage));
    for action in ["api_key:lower", "api_key:revoke"] {
        let rows = format!("SELECT count(*) FROM audit_events WHERE action = '{action}' AND refusal IS NULL");
        assert_eq!(count(&pool, &rows).await, 1, "{action}");
    }
    // Whoever may not lower a role is not told.
    let refused = d.manage_keys_of_collaborator(&t.maya.actor, slug, lead).await;
    assert!(matches!(refusal(refused), Refusal::Forbidden(_)));
    // Raising it again asks nothing.
    d.change_collaborator_role(admin, slug, lead, ProjectRole::Admin)
        .await
        .unwrap();
}

/// M6, K11: the same where an organization Admin becomes a Member, for every project they are no Admin of any more.
#[sqlx::test]
async fn k11_a_role_in_an_organization_is_lowered_with_word_of_its_keys(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner, adam) = (&t.directory, &t.owner.actor, t.admin.id);
    // Adam is an Admin of Research by himself as well: his key there is no matter.
    t.put(&t.research, &t.admin, ProjectRole::Admin).await;
    let stays = t.manage_key(&t.research, &t.admin, "Research").await;
    let key = t.manage_key(&t.production, &t.admin, "Production").await;
    let lower = async |keys: &[(ApiKeyId, KeyFate)]| {
        d.change_member_role_and_keys(owner, &t.slug, adam, OrganizationRole::Member, keys)
            .await
    };
    assert_eq!(refusal(lower(&[]).await), Refusal::ManageKeysDecide(adam));
    let shown = d.manage_keys_of_member(&t.owner.actor, &t.slug, adam).await.unwrap();
    assert_eq!(shown.iter().map(|key| key.id).collect::<Vec<_>>(), [key.id]);
    lower(&[(key.id, KeyFate::Lower)]).await.unwrap();
    assert_eq!(t.reach(&key).await, Some(KeyScope::Use));
    assert_eq!(t.reach(&stays).await, Some(KeyScope::Manage));
}

/// M6, K5: with a removal keys may be revoked or lowered; one's own leaving decides about what one sees alone.
#[sqlx::test]
async fn k5_a_removal_from_an_organization_decides_about_keys(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (lowered, ended, kept) = (
        t.manage_key(&t.research, &t.lead, "A").await,
        t.manage_key(&t.research, &t.lead, "B").await,
        t.manage_key(&t.research, &t.lead, "C").await,
    );
    let choices = [(lowered.id, KeyFate::Lower), (ended.id, KeyFate::Revoke)];
    let removal = d
        .remove_member_and_keys(&t.owner.actor, &t.slug, t.lead.id, &choices)
        .await
        .unwrap();
    assert_eq!(t.reach(&lowered).await, Some(KeyScope::Use));
    assert_eq!(t.reach(&ended).await, None);
    assert_eq!(t.reach(&kept).await, Some(KeyScope::Manage));
    assert_eq!(removal.owned_assets.key_count, 2);

    t.put(&t.research, &t.noah, ProjectRole::Admin).await;
    let hidden = t.manage_key(&t.research, &t.noah, "D").await;
    d.remove_collaborator(&t.owner.actor, &t.research.slug, t.noah.id, &[])
        .await
        .unwrap();
    let choices = [(hidden.id, KeyFate::Revoke)];
    d.remove_member_and_keys(&t.noah.actor, &t.slug, t.noah.id, &choices)
        .await
        .unwrap();
    assert_eq!(
        t.reach(&hidden).await,
        Some(KeyScope::Manage),
        "a project they no longer see"
    );
}
