//! Server functions of a project's API keys: the list, and the changes to it (RULES K).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{ApiKeyId, KeyChange, KeyFacts, KeyScope, KeyState, Refusal, check_key_change};
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp, list::ListQuery, projects::ProjectHead};
use crate::{
    Problem,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    outcome::Outcome,
};

#[cfg(feature = "ssr")]
use {
    super::{end_of, end_of_day, list::PAGE, slug},
    crate::{
        outcome::{Done, FormName, HowMade, Secret},
        paths,
        request_context::{acting, answer, choice, confirm, signed_in},
    },
    directory::{ApiKey, ApiKeyQuery, Directory, NewApiKey, OffsetDateTime, Target},
    policy::{Field, Permission, Slug},
};

/// A key in the list (K4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyRow {
    pub(crate) id: ApiKeyId,
    pub(crate) name: String,
    /// What the key may do (K11).
    pub(crate) reach: KeyScope,
    /// The visible start of its secret; empty if the key has no secret yet.
    pub(crate) secret_start: String,
    /// The last four characters of its secret.
    pub(crate) secret_end: String,
    /// The name of its creator.
    pub(crate) created_by: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    /// When it expires.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether it works.
    pub(crate) state: KeyState,
    /// Whether it was rotated (K7).
    pub(crate) is_rotated: bool,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeysPage {
    pub(crate) project: ProjectHead,
    /// The Organization Default Key, for the Owner in the Default Project (K8).
    pub(crate) default_key: Option<KeyRow>,
    pub(crate) rows: Vec<KeyRow>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
    /// The key that the open dialog is about, if it is not among the rows.
    pub(crate) subject: Option<KeyRow>,
}

impl KeysPage {
    /// Returns the key with this id.
    pub(crate) fn find(&self, key: ApiKeyId) -> Option<&KeyRow> {
        self.rows.iter().chain(&self.subject).find(|row| row.id == key)
    }

    /// Returns whether the viewer may make this change to the key. Asks the policy, as the server does before the
    /// change.
    pub(crate) fn check(&self, row: &KeyRow, change: KeyChange) -> Result<(), Refusal> {
        let key = KeyFacts {
            reach: row.reach,
            state: row.state,
            is_rotated: row.is_rotated,
        };
        check_key_change(&self.project.standing, key, change).map(|_permit| ())
    }
}

/// The dialogs of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Creating a key.
    Create,
    /// The secret of a key that was just created, rotated or regenerated.
    Secret,
    /// Setting the expiration of this key.
    Expiration(ApiKeyId),
    /// Rotating this key.
    Rotate(ApiKeyId),
    /// Revoking this key.
    Revoke(ApiKeyId),
    /// Regenerating the Organization Default Key.
    Regenerate,
}

impl DialogUrl for Dialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Create => DialogQuery::named("create"),
            Self::Secret => DialogQuery::named("secret"),
            Self::Expiration(key) => DialogQuery::about_key("expiration", key),
            Self::Rotate(key) => DialogQuery::about_key("rotate", key),
            Self::Revoke(key) => DialogQuery::about_key("revoke", key),
            Self::Regenerate => DialogQuery::named("regenerate"),
        }
    }

    fn from_query(name: &str, subject: DialogSubject) -> Option<Self> {
        match name {
            "create" => Some(Self::Create),
            "secret" => Some(Self::Secret),
            "expiration" => subject.key.map(Self::Expiration),
            "rotate" => subject.key.map(Self::Rotate),
            "revoke" => subject.key.map(Self::Revoke),
            "regenerate" => Some(Self::Regenerate),
            _ => None,
        }
    }
}

/// Returns a page of the list. `subject` is the key that the open dialog is about, or empty.
#[server(endpoint = "api_keys", input = GetUrl)]
pub(crate) async fn api_keys(
    project: String,
    #[server(default)] query: ListQuery,
    #[server(default)] subject: String,
) -> Result<KeysPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let slug = slug(&project)?;
    let query = ApiKeyQuery {
        state: choice(&query.state)?,
        after: choice(&query.after).map_err(|_| Refusal::CursorInvalid)?,
        search: query.q,
        limit: PAGE,
    };
    let list = context.directory.api_keys(&principal, &slug, &query).await?;
    let subject: Option<ApiKeyId> = subject.parse().ok();
    let subject = match subject.filter(|id| list.rows.iter().all(|row| row.id != *id)) {
        Some(key) => match context.directory.api_key(&principal, &slug, key).await {
            Ok(found) => Some(found.into()),
            // The key no longer exists: the dialog does not open.
            Err(directory::Error::Refused(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    Ok(KeysPage {
        project: list.project.into(),
        default_key: list.default_key.map(Into::into),
        rows: list.rows.into_iter().map(Into::into).collect(),
        next: list.next.map(|id| id.to_string()),
        subject,
    })
}

#[cfg(feature = "ssr")]
impl From<ApiKey> for KeyRow {
    fn from(key: ApiKey) -> Self {
        let timestamp = |at: OffsetDateTime| Timestamp(at.unix_timestamp());
        Self {
            id: key.id,
            name: key.name.to_string(),
            reach: key.reach,
            secret_start: key.secret_start,
            secret_end: key.secret_end,
            created_by: key.created_by.map(|name| name.to_string()),
            created_at: timestamp(key.created_at),
            last_used_at: key.last_used_at.map(timestamp),
            expires_at: key.expires_at.map(timestamp),
            state: key.state,
            is_rotated: key.is_rotated,
        }
    }
}

/// Returns the path of the list, with dialog `done` after a success, or `refused` after a problem.
#[cfg(feature = "ssr")]
fn back_to(slug: &Slug, done: Option<Dialog>, refused: Option<Dialog>) -> impl FnOnce(&Outcome) -> String {
    move |outcome| {
        let dialog = if outcome.is_ok() { done } else { refused };
        paths::with_dialog(&paths::api_keys(slug), dialog)
    }
}

/// Returns an outcome with the new secret, which is shown this once (K3).
#[cfg(feature = "ssr")]
fn made(key: &NewApiKey, how: HowMade) -> Done {
    Done::KeyMade {
        name: key.name.to_string(),
        secret: Secret(key.secret.reveal().to_owned()),
        how,
    }
}

/// Parses the expiration of a key: empty for never, a number of days from today, or `on` for the day `expires_on`,
/// `YYYY-MM-DD` in UTC. The key works through the whole of that day, so a form that shows the day can be saved
/// unchanged without changing the expiration.
#[cfg(feature = "ssr")]
fn expiration(directory: &Directory, expires: &str, expires_on: &str) -> Result<Option<OffsetDateTime>, Problem> {
    match expires {
        "" => Ok(None),
        "on" if expires_on.trim().is_empty() => Err(Refusal::EndDateInvalid.into()),
        "on" => end_of_day(expires_on.trim()),
        days => {
            let days = days.parse::<u16>().map_err(|_| Refusal::EndDateInvalid)?;
            let last = directory.today().checked_add(time::Duration::days(days.into()));
            end_of(last.ok_or(Refusal::EndDateInvalid)?).map(Some)
        }
    }
}

/// Creates a key (K2). `reach` is `use` or `manage`; for `expires` and `expires_on` see [`expiration`].
#[server(endpoint = "create_api_key")]
pub(crate) async fn create_api_key(
    project: String,
    name: String,
    #[server(default)] reach: String,
    #[server(default)] expires: String,
    #[server(default)] expires_on: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        // Asks for the permission before the input is checked: only those who may create keys are told what is wrong
        // with it.
        directory
            .authorize(&actor, Permission::ApiKeyCreate, Target::Project(&slug.clone().into()))
            .await?;
        let title = super::name(&name)?;
        let wanted = choice(&reach)?.unwrap_or_default();
        let expires_at = expiration(&directory, &expires, &expires_on)?;
        let key = directory
            .create_api_key(&actor, &slug, &title, wanted, expires_at)
            .await?;
        Ok(made(&key, HowMade::Created))
    }
    .await;
    answer(
        FormName::CreateKey,
        &[
            ("name", &name),
            ("reach", &reach),
            ("expires", &expires),
            ("expires_on", &expires_on),
        ],
        outcome,
        back_to(&slug, Some(Dialog::Secret), Some(Dialog::Create)),
    )
}

/// Changes or removes the expiration of a key (K6).
#[server(endpoint = "set_api_key_expiration")]
pub(crate) async fn set_api_key_expiration(
    project: String,
    key: ApiKeyId,
    #[server(default)] expires: String,
    #[server(default)] expires_on: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        directory
            .authorize(&actor, Permission::ApiKeyCreate, Target::Project(&slug.clone().into()))
            .await?;
        let expires_at = expiration(&directory, &expires, &expires_on)?;
        let name = directory
            .set_api_key_expiration(&actor, &slug, key, expires_at)
            .await?
            .to_string();
        Ok(match expires_at {
            Some(_) => Done::KeyExpirationSet { name },
            None => Done::KeyExpirationCancelled { name },
        })
    }
    .await;
    answer(
        FormName::KeyExpiration,
        &[("expires", &expires), ("expires_on", &expires_on)],
        outcome,
        back_to(&slug, None, Some(Dialog::Expiration(key))),
    )
}

/// Creates the successor of a key (K7). `overlap` is for how many more hours the old key works; with 0 it is revoked at
/// once.
#[server(endpoint = "rotate_api_key")]
pub(crate) async fn rotate_api_key(
    project: String,
    key: ApiKeyId,
    overlap: String,
    #[server(default)] expires: String,
    #[server(default)] expires_on: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        directory
            .authorize(&actor, Permission::ApiKeyCreate, Target::Project(&slug.clone().into()))
            .await?;
        let hours = OVERLAPS
            .iter()
            .find(|(value, _)| *value == overlap)
            .and_then(|(value, _)| value.parse().ok())
            .ok_or(Refusal::Malformed)?;
        let expires_at = expiration(&directory, &expires, &expires_on)?;
        let overlap = time::Duration::hours(hours);
        let next = directory
            .rotate_api_key(&actor, &slug, key, overlap, expires_at)
            .await?;
        Ok(made(&next, HowMade::Rotated))
    }
    .await;
    answer(
        FormName::RotateKey,
        &[
            ("overlap", &overlap),
            ("expires", &expires),
            ("expires_on", &expires_on),
        ],
        outcome,
        back_to(&slug, Some(Dialog::Secret), Some(Dialog::Rotate(key))),
    )
}

/// How long a rotated key goes on working: the hours, and the label of the choice. The first is the default (K7).
pub(crate) const OVERLAPS: &[(&str, &str)] = &[
    ("24", "For 24 hours"),
    ("1", "For 1 hour"),
    ("168", "For 7 days"),
    ("0", "No, revoke it now"),
];

/// Revokes a key (K7). This can't be undone.
#[server(endpoint = "revoke_api_key")]
pub(crate) async fn revoke_api_key(
    project: String,
    key: ApiKeyId,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = directory
        .revoke_api_key(&actor, &slug, key)
        .await
        .map(|name| Done::KeyRevoked { name: name.to_string() })
        .map_err(Problem::from);
    answer(FormName::RevokeKey, &[], outcome, back_to(&slug, None, None))
}

/// Gives the Organization Default Key a new secret (K8).
#[server(endpoint = "regenerate_default_key")]
pub(crate) async fn regenerate_default_key(
    project: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        let key = directory.regenerate_default_key(&actor, &slug).await?;
        Ok(made(&key, HowMade::Regenerated))
    }
    .await;
    answer(FormName::RegenerateKey, &[], outcome, |outcome| {
        let dialog = match outcome {
            Ok(_) => Some(Dialog::Secret),
            // The dialog asks for the password.
            Err(problem) if problem.field() == Some(Field::CurrentPassword) => Some(Dialog::Regenerate),
            Err(_) => None,
        };
        paths::with_dialog(&paths::api_keys(&slug), dialog)
    })
}
