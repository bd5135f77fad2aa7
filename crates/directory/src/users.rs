//! Accounts as rows of the table `users`: inserting one, finding one by email, its name, and reading and setting the
//! password's hash.
//!
//! Owns these statements and the values of a new account. It must not know how people sign in or which links they
//! follow: it uses the caller's transaction and decides nothing.

use policy::{Email, Name, Password, Refusal, UserId};
use time::OffsetDateTime;

use crate::{
    Result,
    authorization::writer::Writer,
    connections::PgConnection,
    error::{decode, refuse_on},
};

/// The values of a new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The address to sign in with.
    pub email: Email,
    /// The person's name.
    pub name: Name,
    /// The password to sign in with.
    pub password: Password,
}

/// Inserts an account. Its address is not proved.
pub(crate) async fn insert(db: &mut Writer, account: &NewAccount, hash: &str, at: OffsetDateTime) -> Result<UserId> {
    let id = UserId(db.new_id());
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        id.0,
        account.email.as_str(),
        account.name.as_str(),
        hash,
        at,
    )
    .execute(db)
    .await
    .map_err(|error| refuse_on(error, "users_email_key", Refusal::EmailTaken))?;
    Ok(id)
}

/// Inserts an account; if the address is taken or reserved, with a made-up one. Returns its id, and whether it has the
/// wanted address.
pub(crate) async fn insert_if_new(
    db: &mut Writer,
    account: &NewAccount,
    hash: &str,
    at: OffsetDateTime,
) -> Result<(UserId, bool)> {
    let id = UserId(db.new_id());
    let row = sqlx::query!(
        r#"INSERT INTO users (id, email, name, password_hash, created_at)
           SELECT $1, CASE WHEN EXISTS (SELECT FROM users WHERE email = $2) OR is_reserved_email($2, NULL)
                       THEN $6 ELSE $2 END, $3, $4, $5
           RETURNING email = $2 AS "is_new!""#,
        id.0,
        account.email.as_str(),
        account.name.as_str(),
        hash,
        at,
        id.to_string(),
    )
    .fetch_one(db)
    .await
    .map_err(|error| refuse_on(error, "users_email_key", Refusal::EmailTaken))?;
    Ok((id, row.is_new))
}

/// Returns the person with this address. The answer is only for principals who may know who has an account.
pub(crate) async fn find_by_email(db: &mut PgConnection, email: &Email) -> Result<Option<UserId>> {
    let row = sqlx::query!("SELECT id FROM users WHERE email = $1", email.as_str())
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| UserId(row.id)))
}

/// Locks an account's password until the change ends, and returns whether it is still the one that was verified.
/// Verifying takes a while, and a password that was replaced meanwhile must not be accepted.
pub(crate) async fn lock_hash(db: &mut PgConnection, user: UserId, verified: &str) -> Result<bool> {
    let row = sqlx::query!(
        "SELECT id FROM users WHERE id = $1 AND password_hash = $2 FOR NO KEY UPDATE",
        user.0,
        verified
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

pub(crate) async fn set_hash(db: &mut Writer, user: UserId, hash: &str) -> Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", user.0, hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns a person's name.
pub(crate) async fn name_of(db: &mut PgConnection, user: UserId) -> Result<Name> {
    let row = sqlx::query!("SELECT name FROM users WHERE id = $1", user.0)
        .fetch_one(db)
        .await?;
    decode(&row.name, "users", "name")
}
