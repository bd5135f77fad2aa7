//! The schema and the code that names its parts.

use std::{collections::BTreeSet, fs, path::PathBuf};

use sqlx::{PgPool, Row};

/// The text of every source file of the directory but its tests, with its name below `src`.
pub(super) fn sources() -> Vec<(String, String)> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                sources.push((name, fs::read_to_string(path).unwrap()));
            } else if !path.ends_with("tests") {
                folders.push(path);
            }
        }
    }
    sources
}

/// The constraints that the code names.
fn named() -> BTreeSet<String> {
    let sources = sources();
    let after = |word: &'static str, end: char| {
        sources.iter().flat_map(move |(_, source)| {
            source
                .split(word)
                .skip(1)
                .filter_map(move |rest| rest.split(end).next().map(ToOwned::to_owned))
        })
    };
    after("refuse_on(error, \"", '"')
        .chain(after("ON CONFLICT ON CONSTRAINT ", ' '))
        .collect()
}

/// A constraint renamed in a migration and not in the code would turn a refusal into a fault.
#[sqlx::test]
async fn every_constraint_that_the_code_names_exists(pool: PgPool) {
    let named = named();
    assert!(named.len() >= 10, "{named:?}");
    for constraint in named {
        let exists: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = $1)
                 OR EXISTS (SELECT FROM pg_class WHERE relkind = 'i' AND relname = $1)
                 OR EXISTS (SELECT FROM pg_proc WHERE prosrc LIKE '%CONSTRAINT = ''' || $1 || '''%')",
        )
        .bind(&constraint)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert!(exists, "{constraint}");
    }
}

/// Every constraint has a name somebody gave it: it begins with its table's.
#[sqlx::test]
async fn every_constraint_is_named_after_its_table(pool: PgPool) {
    let rows = sqlx::query(
        "SELECT c.conname::text, r.relname::text FROM pg_constraint c
         JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
         WHERE n.nspname = 'public' AND r.relname <> '_sqlx_migrations' AND NOT r.relispartition",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(rows.len() > 30);
    for row in rows {
        let (constraint, table): (String, String) = (row.get(0), row.get(1));
        assert!(constraint.starts_with(&format!("{table}_")), "{constraint} of {table}");
    }
}

/// Every foreign key can be followed backwards without reading a whole table. A generated column in one is a constant
/// that only says which rows there can be: it finds none.
#[sqlx::test]
async fn every_foreign_key_that_deletes_or_updates_along_has_an_index(pool: PgPool) {
    let missing: Vec<String> = sqlx::query_scalar(
        "SELECT c.conname::text FROM pg_constraint c
         CROSS JOIN LATERAL (
             SELECT array_agg(a.attnum) AS columns FROM pg_attribute a
             WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attgenerated = ''
         ) finding
         WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.confdeltype IN ('c')
           AND NOT EXISTS (
               SELECT FROM pg_index i WHERE i.indrelid = c.conrelid
                 AND (i.indkey::int2[])[0:cardinality(finding.columns) - 1] @> finding.columns
           )",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(missing, Vec::<String>::new());
}

/// Starting twice, or on two servers at once, is fine.
#[sqlx::test(migrations = false)]
async fn the_schema_can_be_brought_up_to_date_by_several_servers_at_once(pool: PgPool) {
    super::fixture::without_schema(&pool).await;
    let directory = super::fixture::directory(&pool);
    let (a, b) = tokio::join!(directory.migrate(), directory.migrate());
    a.unwrap();
    b.unwrap();
    directory.migrate().await.unwrap();
    directory.ready().await.unwrap();
}
