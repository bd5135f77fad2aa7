//! Resources: who may do what to one, and that they stay inside their project.

use std::collections::BTreeMap;

use policy::{
    Details, FieldInput, FieldValue, KeyScope, Permission, Refusal, ResourceAction, ResourceField, ResourceId,
    ResourceKind, ResourceState,
};
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Project, Tenant, count, events, name, refusal, refused_by_database, sql, until_one_waits};
use crate::{
    Creator, Directory, Error, Order, Principal, ProjectContents, ProjectRef, Resource, ResourceChange, ResourceCursor,
    ResourceQuery, ResourceSort, Result, Target,
};

/// Fields of one of this kind, the least there can be.
fn details(kind: ResourceKind) -> Details {
    Details::read(kind, |field| match field.input() {
        FieldInput::Text { is_optional: true } => Ok(None),
        FieldInput::Text { is_optional: false } => field.read("something"),
        FieldInput::Whole { least, .. } => field.read(&least.to_string()),
        FieldInput::Choice(choices) => field.read(choices[0].0),
    })
    .unwrap()
}

fn at(project: &Project) -> ProjectRef {
    project.slug.clone().into()
}

impl Tenant {
    async fn register(
        &self,
        agent: &Principal,
        project: &Project,
        kind: ResourceKind,
        called: &str,
    ) -> Result<Resource> {
        self.directory
            .create_resource(agent, &at(project), kind, &name(called), None, &details(kind))
            .await
    }

    /// A resource, registered by the Owner.
    async fn resource(&self, project: &Project, kind: ResourceKind, called: &str) -> Resource {
        self.register(&self.owner.actor, project, kind, called).await.unwrap()
    }
}

/// Does one thing to a resource, and answers the refusal, if it is one.
async fn try_to(t: &Tenant, agent: &Principal, resource: &Resource, action: ResourceAction) -> Option<Refusal> {
    let d = &t.directory;
    let project = at(&t.research);
    let kind = resource.kind;
    let unlike = |value: Option<&FieldValue>| match value {
        Some(FieldValue::Whole(number)) => Some(FieldValue::Whole(number + 1)),
        Some(FieldValue::Text(_)) | None => None,
    };
    let outcome = match action {
        ResourceAction::View => d.resource(agent, &project, resource.id).await.map(drop),
        ResourceAction::Create => t
            .register(agent, &t.research, kind, &Uuid::now_v7().to_string())
            .await
            .map(drop),
        ResourceAction::Change => {
            let change = ResourceChange {
                name: Some(name(&Uuid::now_v7().to_string())),
                ..ResourceChange::default()
            };
            d.update_resource(agent, &project, resource.id, &change).await.map(drop)
        }
        ResourceAction::Scale => {
            let size = kind.fields().iter().find(|field| field.is_size())?;
            let now = d.resource(&t.owner.actor, &project, resource.id).await.unwrap().1;
            let change = ResourceChange {
                details: BTreeMap::from([(*size, unlike(now.details.get(*size)))]),
                ..ResourceChange::default()
            };
            d.update_resource(agent, &project, resource.id, &change).await.map(drop)
        }
        ResourceAction::Delete => {
            let outcome = d.delete_resource(agent, &project, resource.id).await.map(drop);
            if outcome.is_ok() {
                sql(
                    &t.pool,
                    &format!(
                        "INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
                         VALUES ('{}', '{}', '{}', '{kind}', '{}', '{}', '{}', now(), now())",
                        t.organization,
                        t.research.id,
                        resource.id,
                        Uuid::now_v7(),
                        resource.state.code(),
                        serde_json::to_string(&resource.details).unwrap(),
                    ),
                )
                .await;
            }
            outcome
        }
    };
    match outcome {
        Ok(()) => None,
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// R, K11: what an Admin of the project and a key that manages may do, and what a Member, an external and a key for use
/// may.
#[sqlx::test]
async fn r1_every_kind_and_action_is_decided_by_the_table(pool: PgPool) {
    use ResourceAction::{Change, Create, Delete, Scale, View};
    let t = Tenant::new(&pool).await;
    let (uses, manages) = (
        t.key(&t.research, KeyScope::Use).await,
        t.key(&t.research, KeyScope::Manage).await,
    );
    let agents = [
        ("owner", &t.owner.actor, Some(true)),
        ("lead", &t.lead.actor, Some(true)),
        ("manage", &manages, Some(true)),
        ("maya", &t.maya.actor, Some(false)),
        ("eve", &t.eve.actor, Some(false)),
        ("use", &uses, Some(false)),
        ("noah", &t.noah.actor, None),
        ("stranger", &t.stranger.actor, None),
    ];
    for kind in ResourceKind::ALL {
        let resource = t.resource(&t.research, kind, "first").await;
        for (who, agent, manages) in agents {
            for action in [View, Create, Change, Scale, Delete] {
                let refusal = try_to(&t, agent, &resource, action).await;
                let for_admins = matches!(kind, ResourceKind::Cluster | ResourceKind::Volume) && action != View;
                let expected = match manages {
                    None if action == Scale && !kind.fields().iter().any(|field| field.is_size()) => None,
                    None => Some(Refusal::Hidden),
                    Some(manages) if manages || !for_admins => None,
                    Some(_) => Some(Refusal::Forbidden(kind.permission(action))),
                };
                assert_eq!(refusal, expected, "{who} {action:?} {kind}");
            }
        }
    }
}

/// R: a change that is another size as well asks for both permissions; one that changes nothing asks for the right to
/// change.
#[sqlx::test]
async fn r1_scaling_and_changing_are_asked_for_apart_and_audited_apart(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let cluster = t.resource(&t.research, ResourceKind::Cluster, "train").await;
    let (d, project) = (&t.directory, at(&t.research));
    let larger = BTreeMap::from([(ResourceField::Nodes, Some(FieldValue::Whole(8)))]);
    let both = ResourceChange {
        name: Some(name("train-2")),
        state: Some(ResourceState::Running),
        details: larger,
    };
    let lead = &t.lead.actor;
    let (after, rows) = t.audited(d.update_resource(lead, &project, cluster.id, &both)).await;
    let after = after.unwrap();
    assert_eq!((after.name.as_str(), after.state), ("train-2", ResourceState::Running));
    assert_eq!(after.details.get(ResourceField::Nodes), Some(&FieldValue::Whole(8)));
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["cluster:configure", "cluster:scale"]);
    for row in &rows {
        assert_eq!(row.target_id, Some(cluster.id.0));
        assert_eq!(row.target.as_deref(), Some("train"));
        assert_eq!(row.project_id, Some(t.research.id.0));
        assert_eq!(row.before.as_ref().unwrap()["details"]["nodes"], 0);
        assert_eq!(row.after.as_ref().unwrap()["details"]["nodes"], 8);
    }
    let smaller = ResourceChange {
        details: BTreeMap::from([(ResourceField::Nodes, Some(FieldValue::Whole(2)))]),
        ..ResourceChange::default()
    };
    let (_, rows) = t.audited(d.update_resource(lead, &project, cluster.id, &smaller)).await;
    assert_eq!(rows[0].action, "cluster:scale");
    assert_eq!(rows.len(), 1);
    let (_, rows) = t
        .audited(d.update_resource(lead, &project, cluster.id, &ResourceChange::default()))
        .await;
    assert_eq!(rows[0].action, "cluster:configure");
    let nothing = d
        .update_resource(&t.maya.actor, &project, cluster.id, &ResourceChange::default())
        .await;
    assert_eq!(refusal(nothing), Refusal::Forbidden(Permission::ClusterConfigure));
}

/// A1: what was done, by whom and with what; a refused attempt too.
#[sqlx::test]
async fn a1_what_is_done_to_a_resource_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let key = t.key(&t.research, KeyScope::Use).await;
    let (made, rows) = t
        .audited(t.register(&key, &t.research, ResourceKind::File, "train.jsonl"))
        .await;
    let made = made.unwrap();
    assert_eq!(
        made.created_by,
        Some(Creator::Key(key.api_key().unwrap().key, name("CI")))
    );
    assert_eq!(made.state, ResourceState::Creating);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        (row.action.as_str(), row.actor_kind.as_str()),
        ("file:create", "api_key")
    );
    assert_eq!(row.credential, format!("api key {}", key.api_key().unwrap().key));
    assert_eq!(row.after.as_ref().unwrap()["name"], "train.jsonl");

    let (refused, rows) = t
        .audited(t.register(&key, &t.research, ResourceKind::Cluster, "mine"))
        .await;
    assert_eq!(refusal(refused), Refusal::Forbidden(Permission::ClusterCreate));
    assert_eq!(rows[0].action, "cluster:create");
    assert_eq!(rows[0].refusal.as_deref(), Some("forbidden"));
    assert_eq!(rows[0].project_id, Some(t.research.id.0));
    assert_eq!(rows[0].after, None);

    let d = &t.directory;
    let (deleted, rows) = t
        .audited(d.delete_resource(&t.maya.actor, &at(&t.research), made.id))
        .await;
    assert_eq!(deleted.unwrap().as_str(), "train.jsonl");
    assert_eq!(rows[0].action, "file:delete");
    assert_eq!(rows[0].before.as_ref().unwrap()["state"], "creating");
    assert_eq!(rows[0].after, None);
}

/// K1, P3: a key reaches its own project's resources, and nobody reaches one through another project.
#[sqlx::test]
async fn k1_a_key_and_an_id_reach_their_own_project_only(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let here = t.resource(&t.research, ResourceKind::Model, "mine").await;
    let beside = t.resource(&t.production, ResourceKind::Model, "next door").await;
    let far = other.resource(&other.research, ResourceKind::Model, "far away").await;
    let key = t.key(&t.research, KeyScope::Manage).await;
    let (d, mine, agent) = (&t.directory, at(&t.research), &key);
    let change = ResourceChange::default();
    for id in [beside.id, far.id, ResourceId(Uuid::now_v7())] {
        for agent in [agent, &t.owner.actor] {
            assert_eq!(refusal(d.resource(agent, &mine, id).await), Refusal::Hidden);
            assert_eq!(
                refusal(d.update_resource(agent, &mine, id, &change).await),
                Refusal::Hidden
            );
            assert_eq!(refusal(d.delete_resource(agent, &mine, id).await), Refusal::Hidden);
        }
    }
    // Another project, its own organization's or another's, is to it as one that does not exist, by slug or by id.
    let others = [
        at(&t.production),
        at(&t.default),
        at(&other.research),
        ProjectRef::Id(t.production.id),
        ProjectRef::Id(other.research.id),
        ProjectRef::Nothing,
        super::fixture::slug("no-such-project").into(),
    ];
    let query = ResourceQuery::default();
    for project in others {
        let (outcome, rows) = t
            .audited(d.create_resource(
                agent,
                &project,
                ResourceKind::Model,
                &name("new"),
                None,
                &details(ResourceKind::Model),
            ))
            .await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
        // Those who look after the key's project read of it.
        assert_eq!(rows[0].project_id, Some(t.research.id.0));
        assert_eq!(refusal(d.resources(&key, &project, &query).await), Refusal::Hidden);
        assert_eq!(refusal(d.resource(&key, &project, beside.id).await), Refusal::Hidden);
        assert_eq!(
            refusal(d.delete_resource(agent, &project, beside.id).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(
                d.authorize(agent, Permission::ModelCreate, Target::Project(&project))
                    .await
            ),
            Refusal::Hidden
        );
    }
    for project in [mine, ProjectRef::Id(t.research.id)] {
        for viewer in [&key, &t.maya.actor] {
            let list = d.resources(viewer, &project, &query).await.unwrap();
            assert_eq!(list.rows, std::slice::from_ref(&here));
            assert_eq!(list.context.project.slug, t.research.slug);
        }
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM resources").await, 3);
}

/// E5: a key that was shown before it came to its end changes nothing after.
#[sqlx::test]
async fn e5_a_key_that_ended_meanwhile_does_nothing(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (end, expected) in [
        ("revoked_at = now()", Refusal::KeyRevoked),
        ("expires_at = now()", Refusal::KeyExpired),
    ] {
        let key = t.key(&t.research, KeyScope::Manage).await;
        assert!(
            t.register(
                &key,
                &t.research,
                ResourceKind::File,
                &key.api_key().unwrap().key.to_string()
            )
            .await
            .is_ok()
        );
        sql(
            &pool,
            &format!("UPDATE api_keys SET {end} WHERE id = '{}'", key.api_key().unwrap().key),
        )
        .await;
        let outcome = t.register(&key, &t.research, ResourceKind::File, "late").await;
        assert_eq!(refusal(outcome), expected);
        let read = t
            .directory
            .resources(&key, &at(&t.research), &ResourceQuery::default())
            .await;
        assert_eq!(refusal(read), expected);
    }
    // Revoked while the change waits for its turn.
    let key = t.key(&t.research, KeyScope::Manage).await;
    let mut tx = t.hold(&t.research).await;
    let revoke = async {
        until_one_waits(&pool).await;
        sqlx::query("UPDATE api_keys SET revoked_at = now() WHERE id = $1")
            .bind(key.api_key().unwrap().key.0)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let (outcome, ()) = tokio::join!(t.register(&key, &t.research, ResourceKind::File, "late"), revoke);
    assert_eq!(refusal(outcome), Refusal::KeyRevoked);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM resources WHERE name = 'late'").await,
        0
    );
}

/// E1: it belongs to the project, and stays when whoever registered it goes.
#[sqlx::test]
async fn e1_a_resource_outlives_the_access_of_its_creator(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let model = t
        .register(&t.maya.actor, &t.research, ResourceKind::Model, "llama")
        .await
        .unwrap();
    t.directory
        .remove_member(&t.owner.actor, &t.slug, t.maya.id)
        .await
        .unwrap();
    let (_, seen) = t
        .directory
        .resource(&t.owner.actor, &at(&t.research), model.id)
        .await
        .unwrap();
    assert_eq!(seen.created_by, Some(Creator::Person(t.maya.id, name("Maya Member"))));
    assert_eq!(seen.name.as_str(), "llama");
}

/// E1: what a kind doesn't have can't be written, nor a name that one of the kind has.
#[sqlx::test]
async fn e1_names_states_and_fields_are_those_of_the_kind(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, project, lead) = (&t.directory, at(&t.research), &t.lead.actor);
    let kind = ResourceKind::Evaluation;
    let made = t.register(lead, &t.research, kind, "mmlu").await.unwrap();
    let again = t.register(lead, &t.research, kind, "mmlu").await;
    assert_eq!(refusal(again), Refusal::ResourceNameTaken);
    // Another kind, or another project, may have it.
    t.register(lead, &t.research, ResourceKind::Model, "mmlu")
        .await
        .unwrap();
    t.register(&t.owner.actor, &t.production, kind, "mmlu").await.unwrap();
    let second = t.register(lead, &t.research, kind, "gsm8k").await.unwrap();
    let renamed = ResourceChange {
        name: Some(name("mmlu")),
        ..ResourceChange::default()
    };
    let outcome = d.update_resource(lead, &project, second.id, &renamed).await;
    assert_eq!(refusal(outcome), Refusal::ResourceNameTaken);

    let stopped = ResourceChange {
        state: Some(ResourceState::Stopped),
        ..ResourceChange::default()
    };
    let outcome = d.update_resource(lead, &project, made.id, &stopped).await;
    assert_eq!(refusal(outcome), Refusal::StateInvalid);
    let (called, state) = (name("new"), Some(ResourceState::Stopped));
    let outcome = d
        .create_resource(lead, &project, kind, &called, state, &details(kind))
        .await;
    assert_eq!(refusal(outcome), Refusal::StateInvalid);
    let outcome = d
        .create_resource(lead, &project, kind, &called, None, &details(ResourceKind::File))
        .await;
    assert_eq!(refusal(outcome), Refusal::DetailInvalid(ResourceField::Model));
    for (field, value, expected) in [
        (
            ResourceField::Nodes,
            Some(FieldValue::Whole(1)),
            Some(ResourceField::Nodes),
        ),
        (ResourceField::Model, None, Some(ResourceField::Model)),
        (
            ResourceField::Model,
            Some(FieldValue::Text(String::new())),
            Some(ResourceField::Model),
        ),
        (ResourceField::Score, Some(FieldValue::Text("0.71".to_owned())), None),
        (ResourceField::Score, None, None),
    ] {
        let change = ResourceChange {
            details: BTreeMap::from([(field, value)]),
            ..ResourceChange::default()
        };
        let outcome = d.update_resource(lead, &project, made.id, &change).await;
        match expected {
            Some(field) => assert_eq!(refusal(outcome), Refusal::DetailInvalid(field)),
            None => assert!(outcome.is_ok()),
        }
    }
    // Certainly not: past the code.
    let statement = format!("UPDATE resources SET name = 'mmlu' WHERE id = '{}'", second.id);
    assert_eq!(refused_by_database(&pool, &statement).await, "resources_name_key");
}

/// Page by page, in both orders of both kinds, each resource comes once.
#[sqlx::test]
async fn e2_the_list_is_searched_filtered_sorted_and_paged(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (called, kind) in [
        ("beta 100%", ResourceKind::Model),
        ("Alpha", ResourceKind::Model),
        ("alpha", ResourceKind::Model),
        ("delta", ResourceKind::File),
        ("alpha", ResourceKind::File),
        ("gamma", ResourceKind::Model),
    ] {
        t.resource(&t.research, kind, called).await;
    }
    t.resource(&t.production, ResourceKind::Model, "elsewhere").await;
    let all = async |query: ResourceQuery| {
        let mut names = Vec::new();
        let mut query = ResourceQuery { limit: 2, ..query };
        loop {
            let page = t
                .directory
                .resources(&t.eve.actor, &at(&t.research), &query)
                .await
                .unwrap();
            assert!(page.rows.len() <= 2);
            names.extend(page.rows.iter().map(|row| row.name.to_string()));
            match page.next {
                Some(next) => query.after = Some(ResourceCursor::decode(&next.encode()).unwrap()),
                None => return names,
            }
        }
    };
    let reversed = |mut names: Vec<String>| {
        names.reverse();
        names
    };
    let by = |sort, order, kind| ResourceQuery {
        sort,
        order,
        kind,
        ..ResourceQuery::default()
    };
    let (up, down) = (Order::Asc, Order::Desc);
    let models = Some(ResourceKind::Model);
    let added = all(by(ResourceSort::Added, up, models)).await;
    assert_eq!(added, ["beta 100%", "Alpha", "alpha", "gamma"]);
    assert_eq!(reversed(all(by(ResourceSort::Added, down, models)).await), added);
    let named = all(by(ResourceSort::Name, up, models)).await;
    assert_eq!(named, ["alpha", "Alpha", "beta 100%", "gamma"]);
    assert_eq!(reversed(all(by(ResourceSort::Name, down, models)).await), named);
    assert_eq!(all(by(ResourceSort::Name, up, None)).await.len(), 6);
    let searched = |search: &str| ResourceQuery {
        search: search.to_owned(),
        ..ResourceQuery::default()
    };
    assert_eq!(all(searched(" ALPHA")).await.len(), 3);
    assert_eq!(all(searched("100%")).await, ["beta 100%"]);
    assert_eq!(all(searched("_")).await.len(), 0);
    let in_state = |state| ResourceQuery {
        state: Some(state),
        ..ResourceQuery::default()
    };
    assert_eq!(all(in_state(ResourceState::Queued)).await.len(), 4);
    assert_eq!(all(in_state(ResourceState::Stopped)).await.len(), 0);

    let bad = t
        .directory
        .resources(&t.eve.actor, &at(&t.research), &searched("\0"))
        .await;
    assert_eq!(refusal(bad), Refusal::Malformed);
    let first = t
        .directory
        .resources(
            &t.eve.actor,
            &at(&t.research),
            &ResourceQuery {
                limit: 1,
                ..ResourceQuery::default()
            },
        )
        .await
        .unwrap();
    let elsewhere = ResourceQuery {
        sort: ResourceSort::Added,
        after: first.next,
        ..ResourceQuery::default()
    };
    let outcome = t.directory.resources(&t.eve.actor, &at(&t.research), &elsewhere).await;
    assert_eq!(refusal(outcome), Refusal::CursorInvalid);
    for text in ["", "x", "e30"] {
        assert_eq!(ResourceCursor::decode(text), Err(Refusal::CursorInvalid));
    }
}

/// What a project has, for the first page anybody sees of it.
#[sqlx::test]
async fn e2_the_overview_counts_each_kind_and_names_the_latest(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for called in ["one", "two", "three", "four"] {
        t.resource(&t.research, ResourceKind::File, called).await;
    }
    t.resource(&t.production, ResourceKind::Model, "elsewhere").await;
    sql(&pool, "UPDATE resources SET state = 'ready' WHERE name = 'two'").await;
    let d: &Directory = &t.directory;
    let seen = d.resource_overview(&t.maya.actor, &t.research.slug).await.unwrap();
    assert_eq!(seen.project.slug, t.research.slug);
    let counts: Vec<_> = seen.kinds.iter().map(|kind| (kind.kind, kind.count)).collect();
    let expected: Vec<_> = ResourceKind::ALL
        .into_iter()
        .map(|kind| (kind, if kind == ResourceKind::File { 4 } else { 0 }))
        .collect();
    assert_eq!(counts, expected);
    let files = seen.kinds.last().unwrap();
    assert_eq!(files.states, [(ResourceState::Creating, 3), (ResourceState::Ready, 1)]);
    let latest: Vec<_> = files.latest.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(latest, ["four", "three", "two"]);
    assert_eq!(
        refusal(d.resource_overview(&t.noah.actor, &t.research.slug).await),
        Refusal::Hidden
    );
}

/// P4: a project that has resources stays, also if one comes at the last moment.
#[sqlx::test]
async fn p4_a_project_with_resources_is_not_deleted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, &t.owner.actor);
    let slug = &t.production.slug;
    let file = t.resource(&t.production, ResourceKind::File, "data").await;
    t.key(&t.production, KeyScope::Use).await;
    let contents = ProjectContents { keys: 1, resources: 1 };
    assert_eq!(d.project_contents(&t.owner.actor, slug).await.unwrap(), contents);
    let outcome = d.delete_project(owner, slug, slug.as_str()).await;
    assert_eq!(refusal(outcome), Refusal::ProjectHasResources);
    let statement = format!("DELETE FROM projects WHERE id = '{}'", t.production.id);
    assert_eq!(refused_by_database(&pool, &statement).await, "resources_project_fkey");

    d.delete_resource(owner, &at(&t.production), file.id).await.unwrap();
    let agent = &t.admin.actor;
    let (deleted, created) = tokio::join!(
        d.delete_project(owner, slug, slug.as_str()),
        t.register(agent, &t.production, ResourceKind::File, "late"),
    );
    match deleted {
        Ok(_) => {
            assert_eq!(refusal(created), Refusal::Hidden);
            assert_eq!(count(&pool, "SELECT count(*) FROM resources").await, 0);
            assert_eq!(count(&pool, "SELECT count(*) FROM api_keys WHERE name = 'CI'").await, 0);
        }
        Err(error) => {
            assert!(matches!(error, Error::Refused(Refusal::ProjectHasResources)), "{error}");
            assert!(created.is_ok());
        }
    }
}

/// O: an organization whose Default Project has resources is in use.
#[sqlx::test]
async fn p4_an_organization_with_resources_is_not_deleted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, stranger) = (&t.directory, &t.stranger.actor);
    let (organization, default) = (
        super::fixture::slug("acme-elsewhere"),
        super::fixture::slug("acme-elsewhere-default"),
    );
    let project = ProjectRef::from(default);
    let kind = ResourceKind::File;
    let file = d
        .create_resource(stranger, &project, kind, &name("data"), None, &details(kind))
        .await
        .unwrap();
    let outcome = d
        .delete_organization(&t.stranger.actor, &organization, "Elsewhere")
        .await;
    assert_eq!(refusal(outcome), Refusal::OrganizationInUse);
    d.delete_resource(stranger, &project, file.id).await.unwrap();
    d.delete_organization(&t.stranger.actor, &organization, "Elsewhere")
        .await
        .unwrap();
}

/// Two changes at once take turns, and neither undoes what the other did to another field.
#[sqlx::test]
async fn e1_two_changes_at_once_both_count(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let cluster = t.resource(&t.research, ResourceKind::Cluster, "train").await;
    let (d, project) = (&t.directory, at(&t.research));
    let set = |field, value| ResourceChange {
        details: BTreeMap::from([(field, Some(value))]),
        ..ResourceChange::default()
    };
    let nodes = set(ResourceField::Nodes, FieldValue::Whole(16));
    let region = set(ResourceField::Region, FieldValue::Text("eu-north".to_owned()));
    let (a, b) = tokio::join!(
        d.update_resource(&t.lead.actor, &project, cluster.id, &nodes),
        d.update_resource(&t.owner.actor, &project, cluster.id, &region),
    );
    a.unwrap();
    b.unwrap();
    let (_, after) = d.resource(&t.maya.actor, &project, cluster.id).await.unwrap();
    assert_eq!(after.details.get(ResourceField::Nodes), Some(&FieldValue::Whole(16)));
    assert_eq!(
        after.details.get(ResourceField::Region),
        Some(&FieldValue::Text("eu-north".to_owned()))
    );
    // Of two that delete it, one finds it gone.
    let (a, b) = tokio::join!(
        d.delete_resource(&t.lead.actor, &project, cluster.id),
        d.delete_resource(&t.owner.actor, &project, cluster.id),
    );
    assert!(a.is_ok() != b.is_ok());
    assert_eq!(
        events(&pool)
            .await
            .iter()
            .filter(|row| row.action == "cluster:delete")
            .count(),
        1
    );
}
