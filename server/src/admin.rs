//! `roster migrate` and `roster admin`: what the operator does, on the database of the configuration or of the server
//! that runs on the data folder.

use std::{
    error::Error,
    io::{BufRead, Write},
};

use app::Problem;
use directory::{Database, Directory, NewAccount, Principal};
use policy::{Email, Name, Password, Refusal, Slug};
use serde_json::json;

use crate::{
    cli::{OrganizationCommand, Output, PasswordSource, Switch, UserCommand},
    config::Config,
    database,
    postgres::{self, Embedded},
};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Brings the schema up to date. A private database that nobody runs is started for it.
pub(crate) async fn migrate(config: &Config) -> Outcome<()> {
    let private = match (&config.database_url, postgres::url_of_running(&config.data)) {
        (None, Err(_)) => Some(Embedded::start(&config.data).await?),
        _ => None,
    };
    let done = async {
        let database = match &config.database_url {
            Some(_) => database::checked(config).await?,
            None => Database::at(&postgres::url_of_running(&config.data)?)?,
        };
        database
            .migrate()
            .await
            .map_err(|blocked| database::message(&blocked))?;
        Ok(())
    }
    .await;
    if let Some(private) = private {
        private.stop().await;
    }
    done
}

/// Does something with accounts.
pub(crate) async fn user(config: &Config, command: UserCommand) -> Outcome<()> {
    match command {
        UserCommand::Create {
            email,
            name,
            password,
            output,
        } => {
            let account = NewAccount {
                email: self::email(&email)?,
                name: Name::from_input(&name).map_err(refused)?,
                password: read_password(&password)?,
            };
            let email = account.email.clone();
            let user = directory(config)
                .await?
                .create_user(&Principal::operator(), account)
                .await
                .map_err(explain)?;
            say(
                output,
                &json!({ "id": user, "email": email }),
                &format!("Created the account of {email}."),
            )
        }
        UserCommand::Verify { email, output } => {
            let email = self::email(&email)?;
            let user = directory(config)
                .await?
                .verify_as_operator(&Principal::operator(), &email)
                .await
                .map_err(explain)?;
            say(
                output,
                &json!({ "id": user, "email": email }),
                &format!("The address {email} is verified."),
            )
        }
        UserCommand::SetEmail { email, new, output } => {
            let (email, new) = (self::email(&email)?, self::email(&new)?);
            let user = directory(config)
                .await?
                .set_email(&Principal::operator(), &email, &new)
                .await
                .map_err(explain)?;
            say(
                output,
                &json!({ "id": user, "email": new }),
                &format!("The address {email} is {new} now."),
            )
        }
        UserCommand::SetPassword {
            email,
            password,
            output,
        } => {
            let email = self::email(&email)?;
            let password = read_password(&password)?;
            directory(config)
                .await?
                .set_password(&Principal::operator(), &email, password)
                .await
                .map_err(explain)?;
            say(
                output,
                &json!({ "email": email }),
                &format!("Changed the password of {email}; their sessions ended."),
            )
        }
    }
}

/// Does something with organizations.
pub(crate) async fn organization(config: &Config, command: OrganizationCommand) -> Outcome<()> {
    match command {
        OrganizationCommand::List { output } => {
            let all = directory(config)
                .await?
                .organizations(&Principal::operator())
                .await
                .map_err(explain)?;
            let rows: Vec<_> = all
                .iter()
                .map(|organization| {
                    json!({
                        "slug": organization.slug,
                        "name": organization.name,
                        "owner": organization.owner,
                        "members": organization.members,
                        "projects": organization.projects,
                        "additional_projects": organization.additional_projects,
                    })
                })
                .collect();
            let lines: Vec<_> = all
                .iter()
                .map(|organization| {
                    format!(
                        "{}  {}  owner {}  members {}  projects {}  additional projects {}",
                        organization.slug,
                        organization.name,
                        organization.owner,
                        organization.members,
                        organization.projects,
                        if organization.additional_projects { "on" } else { "off" },
                    )
                })
                .collect();
            say(output, &json!(rows), &lines.join("\n"))
        }
        OrganizationCommand::Transfer { slug, to, output } => {
            let (slug, to) = (organization_slug(&slug)?, email(&to)?);
            directory(config)
                .await?
                .transfer_ownership_as_operator(&Principal::operator(), &slug, &to)
                .await
                .map_err(|error| about_organization(error, &slug))?;
            say(
                output,
                &json!({ "slug": slug, "owner": to }),
                &format!("{to} owns {slug} now."),
            )
        }
        OrganizationCommand::AdditionalProjects { slug, switch, output } => {
            let (slug, on) = (organization_slug(&slug)?, switch == Switch::On);
            directory(config)
                .await?
                .set_additional_projects(&Principal::operator(), &slug, on)
                .await
                .map_err(|error| about_organization(error, &slug))?;
            say(
                output,
                &json!({ "slug": slug, "additional_projects": on }),
                &format!(
                    "Additional projects of {slug} are {} now.",
                    if on { "on" } else { "off" }
                ),
            )
        }
    }
}

fn email(text: &str) -> Outcome<Email> {
    Ok(Email::from_input(text).map_err(refused)?)
}

pub(crate) fn organization_slug(text: &str) -> Outcome<Slug> {
    Ok(Slug::from_input(text).map_err(refused)?)
}

/// To the operator nothing is hidden, so "hidden" means that it does not exist.
fn about_organization(error: directory::Error, slug: &Slug) -> String {
    if matches!(error, directory::Error::Refused(Refusal::Hidden)) {
        format!("There is no organization {slug}.")
    } else {
        explain(error)
    }
}

pub(crate) async fn directory(config: &Config) -> Outcome<Directory> {
    let private = match &config.database_url {
        Some(_) => None,
        None => Some(postgres::url_of_running(&config.data)?),
    };
    Ok(database::for_command(config, private.as_deref()).await?)
}

fn read_password(source: &PasswordSource) -> Outcome<Password> {
    debug_assert!(source.password_stdin, "the command line requires it");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    // Some shells begin what they pipe with a byte order mark.
    Ok(line
        .trim_start_matches('\u{FEFF}')
        .trim_end_matches(['\r', '\n'])
        .parse()
        .map_err(|_| refused(Refusal::PasswordInvalid))?)
}

/// The message that the console shows for the same refusal.
pub(crate) fn explain(error: directory::Error) -> String {
    app::explain(Problem::from(error))
}

pub(crate) fn refused(refusal: Refusal) -> String {
    app::explain(refusal.into())
}

pub(crate) fn say(output: Output, json: &serde_json::Value, text: &str) -> Outcome<()> {
    let mut out = std::io::stdout();
    if output.json {
        writeln!(out, "{json}")?
    } else {
        writeln!(out, "{text}")?
    }
    Ok(())
}
