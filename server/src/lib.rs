//! The server: HTTP, sessions' cookies, live events, the private PostgreSQL, the command line.
//!
//! One router per audience, each with its own layers. It must not know the rules (that is `policy`), the tables (that
//! is `directory`) or the screens (that is `app`): it listens, identifies the caller, and calls them.

#![recursion_limit = "256"]

mod admin;
mod assets;
mod authorized_keys;
pub mod cli;
mod client;
mod config;
mod database;
mod doctor;
mod events;
mod export;
mod flash;
mod foreign_forms;
mod gateway;
mod gateway_limits;
mod host;
mod http;
mod listen;
mod log;
mod mail;
mod metrics;
mod pages;
pub mod postgres;
mod privileges;
mod rest;
mod router;
mod serve;
mod session_context;
mod state;
mod submissions;
mod token_commands;

pub use assets::Assets;
pub use client::TrustedProxies;
pub use events::broadcast::Broadcast;
pub use metrics::Metrics;
pub use router::router;
pub use state::AppState;

use std::{error::Error, process::ExitCode};

use cli::{Admin, Cli, Command};
use config::Config;

/// Runs the command, and returns the program's status.
///
/// # Errors
/// One line for the person at the command line.
pub async fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let config = || Config::read(&cli.settings);
    let done = match cli.command {
        // What it finds is no error of its own.
        Command::Doctor => return Ok(doctor::run(&config()?).await?),
        Command::Serve { demo } => serve::serve(&config()?, demo).await,
        Command::Migrate => admin::migrate(&config()?).await,
        // It runs where there is no server, and no configuration of one.
        Command::AuthorizedKeys(asked) => authorized_keys::print(&cli.settings, asked).await,
        Command::Admin(Admin::User(command)) => admin::user(&config()?, command).await,
        Command::Admin(Admin::Organization(command)) => admin::organization(&config()?, command).await,
        Command::Admin(Admin::GatewayToken(command)) => token_commands::gateway_token(&config()?, command).await,
        Command::Admin(Admin::MeterToken(command)) => token_commands::meter_token(&config()?, command).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}
