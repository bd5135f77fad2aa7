//! `roster migrate` and `roster admin`: what the operator does, on the database of the configuration or of the server that
//! runs on the data folder.

use std::{
    error::Error,
    io::{BufRead, Write},
};

use app::Problem;
use directory::{Directory, NewAccount};
use policy::{Password, Refusal};
use serde_json::json;

use crate::{
    cli::{Output, PasswordSource, UserCommand},
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
                email: email.parse().map_err(|_| refused(Refusal::EmailInvalid))?,
                name: name.parse().map_err(|_| refused(Refusal::NameInvalid))?,
                password: read_password(&password)?,
            };
            let email = account.email.clone();
            let user = directory(config).await?.create_user(account).await.map_err(explain)?;
            say(
                output,
                &json!({ "id": user, "email": email }),
                &format!("Made the account of {email}."),
            )
        }
        UserCommand::SetPassword {
            email,
            password,
            output,
        } => {
            let email = email.parse().map_err(|_| refused(Refusal::EmailInvalid))?;
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

async fn directory(config: &Config) -> Outcome<Directory> {
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => postgres::url_of_running(&config.data)?,
    };
    Ok(Directory::connect(&url, 1, config.settings).await?)
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
