//! X6: the time of an answer says nothing of who has an account, because both take the same work. Not a timed test: the
//! statements that the database is asked are compared.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use sqlx::PgPool;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::fixture::{Tenant, account, anonymous};

/// Notes the statements that sqlx tells of.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Summary(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Summary<'a>(&'a mut Vec<String>);

impl Visit for Summary<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            self.0.push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// What the database is asked meanwhile.
async fn asked(doing: impl Future<Output = crate::Result<()>>) -> Vec<String> {
    let statements = Statements::default();
    let listening = tracing::subscriber::set_default(statements.clone());
    doing.await.unwrap();
    drop(listening);
    statements.0.lock().unwrap().clone()
}

#[sqlx::test]
async fn x6_signing_up_and_asking_for_a_new_password_take_the_same_statements_whoever_has_an_account(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    // Once before, so that counts of attempts and prepared statements are there.
    d.sign_up_by_mail(&anonymous(), account("Nina New", "warm@new.test"))
        .await
        .unwrap();
    let new = asked(d.sign_up_by_mail(&anonymous(), account("Nina New", "nina@new.test"))).await;
    let known = asked(d.sign_up_by_mail(&anonymous(), account("Nina New", &t.maya.email))).await;
    let ended = |mut statements: Vec<String>| {
        for statement in &mut statements {
            if statement.contains("SAVEPOINT sign_up") && statement != "SAVEPOINT sign_up" {
                "kept or taken back".clone_into(statement);
            }
        }
        statements
    };
    assert!(new.len() > 15, "{new:?}");
    assert_eq!(ended(new), ended(known));

    let nobody = asked(d.request_password_reset(&anonymous(), "nobody@new.test")).await;
    let known = asked(d.request_password_reset(&anonymous(), &t.maya.email)).await;
    assert!(nobody.len() > 4, "{nobody:?}");
    assert_eq!(nobody, known);
}
