//! The kernel answers one way, whichever door a question comes by (E1, P3, R1).

use policy::{Decision, Denial, KeyScope, Permission, Refusal};
use proptest::prelude::*;
use sqlx::PgPool;

use super::{
    collaborator_list::step,
    fixture::{Person, Project, Tenant, for_all, name, with_key},
};
use crate::{
    AccessDecision, AccessRequest, ApiKeyIdentity, Credential, Error, Principal, ProjectRef, SessionToken, Target,
    Token,
};

/// One permission for each way in which roles and scopes of keys differ.
const PERMISSIONS: [Permission; 5] = [
    Permission::ClusterView,
    Permission::ClusterSsh,
    Permission::ClusterCreate,
    Permission::ApiKeyCreate,
    Permission::CollaboratorAdd,
];

/// Begins one more session of a person. Its token is made of the person's number alone.
async fn begin(pool: &PgPool, person: &Person, number: u8) -> SessionToken {
    let token = SessionToken([number; 32]);
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
        .bind(token.hash())
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES (gen_random_uuid(), $1, $2, now(), now(), now() + interval '30 days', '', '')",
    )
    .bind(token.hash())
    .bind(person.id.0)
    .execute(pool)
    .await
    .unwrap();
    token
}

/// What the kernel decides, asked as the console and REST ask.
fn decided(decision: crate::Result<Decision>) -> Result<Decision, Refusal> {
    match decision {
        Ok(decision) => Ok(decision),
        Err(Error::Refused(Refusal::Hidden)) => Ok(Decision::Denied(Denial::Hidden)),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// What a gateway is answered.
fn answered(answer: crate::Result<AccessDecision>) -> Result<Decision, Refusal> {
    match answer {
        Ok(answer) => Ok(answer.decision),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

impl Tenant {
    /// Fails where a gateway is answered another way than the kernel decides.
    async fn gateway_agrees(
        &self,
        gateway: &Token,
        credential: &Credential,
        principal: &Principal,
        project: &Project,
    ) -> Result<(), String> {
        let project = ProjectRef::Id(project.id);
        for permission in PERMISSIONS {
            let request = AccessRequest {
                gateway,
                credential,
                project: Some(&project),
                resource: None,
                permission,
            };
            let answer = answered(self.directory.evaluate_request(&request).await);
            let target = Target::Project(&project);
            let decision = decided(self.directory.evaluate(principal, permission, target).await);
            if answer != decision {
                return Err(format!("{principal:?} {permission}: {answer:?}, not {decision:?}"));
            }
        }
        Ok(())
    }

    /// Makes a key of each scope, in each project.
    async fn keys_of_each_scope(&self) -> Vec<(Token, Principal)> {
        let mut keys = Vec::new();
        for (project, scope) in [
            (&self.research, KeyScope::Use),
            (&self.research, KeyScope::Manage),
            (&self.production, KeyScope::Use),
            (&self.default, KeyScope::Manage),
        ] {
            let made = self
                .directory
                .create_api_key(&self.owner.actor, &project.slug, &name("CI"), scope, None)
                .await
                .unwrap();
            let key = ApiKeyIdentity {
                key: made.id,
                organization: self.organization,
                project: project.id,
                reach: scope,
            };
            keys.push((made.secret, with_key(key)));
        }
        keys
    }
}

/// E1, E5, K1, K11, P3: whatever was done to people and keys, the one query that answers a gateway decides as the
/// kernel does for the console and REST, for each person and key, each project, and each kind of permission.
#[sqlx::test]
async fn a_gateway_is_answered_as_the_kernel_decides(pool: PgPool) {
    let mut number = 0;
    let inputs = (prop::collection::vec(step(), 1..20), prop::collection::vec(0..3_u8, 4));
    for_all(10, inputs, async |(steps, fates)| {
        number += 1;
        let t = Tenant::named(&pool, &format!("tenant-{number}")).await;
        let called = name(&format!("nginx {number}"));
        let gateway = t
            .directory
            .create_gateway_token(&Principal::operator(), &called)
            .await
            .unwrap();
        let keys = t.keys_of_each_scope().await;
        for step in &steps {
            t.take(step).await?;
        }
        for ((_, key), fate) in keys.iter().zip(&fates) {
            let end = match fate {
                0 => continue,
                1 => "UPDATE api_keys SET revoked_at = now() WHERE id = $1",
                _ => "UPDATE api_keys SET expires_at = now() WHERE id = $1",
            };
            sqlx::query(end)
                .bind(key.api_key().unwrap().key.0)
                .execute(&pool)
                .await
                .unwrap();
        }
        for project in [&t.default, &t.research, &t.production] {
            for (number, (_, person)) in (0_u8..).zip(t.people()) {
                let caller = Credential::Session(begin(&pool, person, number).await);
                t.gateway_agrees(&gateway, &caller, &person.actor, project).await?;
            }
            for (secret, key) in &keys {
                t.gateway_agrees(&gateway, &Credential::ApiKey(secret.clone()), key, project)
                    .await?;
            }
        }
        Ok(())
    })
    .await;
}
