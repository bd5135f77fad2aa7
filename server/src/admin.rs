//! `roster migrate` and `roster admin`: what the operator does, on the database of the configuration or of the server that
//! runs on the data folder.

use std::{
    error::Error,
    io::{BufRead, Write},
};

use app::Problem;
use directory::{Directory, NewAccount};
use policy::{Email, Name, Password, Refusal, Slug};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use crate::{
    cli::{GatewayTokenCommand, OrganizationCommand, Output, PasswordSource, Switch, UserCommand},
    config::Config,
    postgres::{self, Embedded},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Brings the schema up to date. A private database that nobody runs is started for it.
pub(crate) async fn migrate(config: &Config) -> Outcome<()> {
    let database = match (&config.database_url, postgres::url_of_running(&config.data)) {
        (None, Err(_)) => Some(Embedded::start(&config.data).await?),
        _ => None,
    };
    let done = async {
        directory(config).await?.migrate().await?;
        Ok(())
    }
    .await;
    if let Some(database) = database {
        database.stop().await;
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
                name: name.parse().map_err(|_| refused(Refusal::NameInvalid))?,
                password: read_password(&password)?,
            };
            let email = account.email.clone();
            let user = directory(config).await?.create_user(account).await.map_err(explain)?;
            say(
                output,
                &json!({ "id": user, "email": email }),
                &format!("Created the account of {email}."),
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
                .set_password(&email, password)
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
            let all = directory(config).await?.organizations().await.map_err(explain)?;
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
            let words: Vec<_> = all
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
            say(output, &json!(rows), &words.join("\n"))
        }
        OrganizationCommand::Transfer { slug, to, output } => {
            let (slug, to) = (organization_slug(&slug)?, email(&to)?);
            directory(config)
                .await?
                .transfer_ownership_as_operator(&slug, &to)
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
                .set_additional_projects(&slug, on)
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

/// Does something with the tokens of gateways.
pub(crate) async fn gateway_token(config: &Config, command: GatewayTokenCommand) -> Outcome<()> {
    match command {
        GatewayTokenCommand::Create { name, output } => {
            let name = gateway_name(&name)?;
            let token = directory(config)
                .await?
                .create_gateway_token(&name)
                .await
                .map_err(explain)?;
            // The token and nothing else, so that a script can put it where it belongs.
            say(
                output,
                &json!({ "name": name, "token": token.reveal() }),
                token.reveal(),
            )
        }
        GatewayTokenCommand::Revoke { name, output } => {
            let name = gateway_name(&name)?;
            directory(config)
                .await?
                .revoke_gateway_token(&name)
                .await
                .map_err(|error| {
                    if matches!(error, directory::Error::Refused(Refusal::Hidden)) {
                        format!("There is no gateway token {name}.")
                    } else {
                        explain(error)
                    }
                })?;
            say(
                output,
                &json!({ "name": name }),
                &format!("The gateway token {name} was revoked. It no longer works."),
            )
        }
        GatewayTokenCommand::List { output } => {
            let all = directory(config).await?.gateway_tokens().await.map_err(explain)?;
            let mut rows = Vec::new();
            let mut words = Vec::new();
            for token in all {
                let created = token.created_at.format(&Rfc3339)?;
                let revoked = token.revoked_at.map(|at| at.format(&Rfc3339)).transpose()?;
                let used = token.last_used_at.map(|at| at.format(&Rfc3339)).transpose()?;
                let mut line = format!("{}  created {created}", token.name);
                match &used {
                    Some(at) => line.push_str(&format!("  last used {at}")),
                    None => line.push_str("  never used"),
                }
                if let Some(at) = &revoked {
                    line.push_str(&format!("  revoked {at}"));
                }
                words.push(line);
                rows.push(
                    json!({ "name": token.name, "created_at": created, "last_used_at": used, "revoked_at": revoked }),
                );
            }
            say(output, &json!(rows), &words.join("\n"))
        }
    }
}

fn gateway_name(text: &str) -> Outcome<Name> {
    Ok(text.parse().map_err(|_| refused(Refusal::NameInvalid))?)
}

fn email(text: &str) -> Outcome<Email> {
    Ok(text.parse().map_err(|_| refused(Refusal::EmailInvalid))?)
}

fn organization_slug(text: &str) -> Outcome<Slug> {
    Ok(text.parse().map_err(|_| refused(Refusal::SlugInvalid))?)
}

/// The operator may know everything: what is hidden from others does not exist.
fn about_organization(error: directory::Error, slug: &Slug) -> String {
    if matches!(error, directory::Error::Refused(Refusal::Hidden)) {
        format!("There is no organization {slug}.")
    } else {
        explain(error)
    }
}

async fn directory(config: &Config) -> Outcome<Directory> {
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => postgres::url_of_running(&config.data)?,
    };
    let directory = Directory::connect(&url, 1, config.settings).await?;
    Ok(directory.refusing(config.breached.clone()))
}

fn read_password(source: &PasswordSource) -> Outcome<Password> {
    debug_assert!(source.password_stdin, "the command line requires it");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line
        .trim_end_matches(['\r', '\n'])
        .parse()
        .map_err(|_| refused(Refusal::PasswordInvalid))?)
}

/// In the words of the console.
fn explain(error: directory::Error) -> String {
    app::explain(Problem::from(error))
}

fn refused(refusal: Refusal) -> String {
    app::explain(refusal.into())
}

fn say(output: Output, json: &serde_json::Value, words: &str) -> Outcome<()> {
    let mut out = std::io::stdout();
    if output.json {
        writeln!(out, "{json}")?
    } else {
        writeln!(out, "{words}")?
    }
    Ok(())
}
