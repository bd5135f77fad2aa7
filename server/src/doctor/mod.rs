//! `roster doctor` (U7): one line for each thing that isn't as it should be, with what to do.
//!
//! It changes nothing and sends no mail. What a look at the database finds is a closed list of `directory`; here it is
//! put into words. Each check is a function that returns the lines it has to say.

mod database;
mod disk;
mod mail;
mod web;

use std::{io::Write, process::ExitCode};

use crate::config::Config;

/// Prints what isn't as it should be. Status 0 if there is nothing, and 1 otherwise.
pub(crate) async fn run(config: &Config) -> std::io::Result<ExitCode> {
    let lines = examine(config).await;
    let mut out = std::io::stdout();
    if lines.is_empty() {
        writeln!(out, "all is well")?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::FAILURE)
}

/// Everything that isn't as it should be.
async fn examine(config: &Config) -> Vec<String> {
    let mut lines = web::examine(config);
    lines.extend(database::examine(config).await);
    lines.extend(disk::examine(config));
    if let Some(mailer) = &config.mailer {
        lines.extend(mail::examine(mailer).await);
    }
    lines
}
