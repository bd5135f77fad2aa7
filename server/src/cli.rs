//! The command line of `roster` (INTERFACES, commands).
//!
//! Owns the commands, their flags, and the texts of `--help`, which are the comments below. Must not know what a
//! command does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Self-hosted console and access service: organizations, their projects, and who may do what in them.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    /// Settings; they win over the environment and the file.
    #[command(flatten)]
    pub settings: Flags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings on the command line. Each is also an environment variable, and a line of `roster.toml`.
#[derive(Args, Debug, Default)]
pub struct Flags {
    /// PostgreSQL to use [env: DATABASE_URL] [default: a private PostgreSQL in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Data folder of the private PostgreSQL [env: ROSTER_DATA] [default: .roster]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Address to listen on [env: ROSTER_ADDR] [default: 127.0.0.1:3000]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub addr: Option<String>,
    /// Public base URL [env: ROSTER_URL] [default: http:// and the address]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Folder of the built site [env: ROSTER_SITE] [default: beside the program, else target/site]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub site: Option<String>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE", default_value = "roster.toml")]
    pub config: PathBuf,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve {
        /// Fill an empty database with a demo organization
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Look for what isn't as it should be, and say what to do; changes nothing
    ///
    /// One line each: settings, database, clocks, replication, disk, mail. Status 0 if all is well, 1 otherwise. Give
    /// it the server's own settings; without DATABASE_URL the server must be running.
    Doctor,
    /// Print who may log in to a cluster's node, for sshd's AuthorizedKeysCommand
    ///
    /// Asks the server at --url or ROSTER_URL. Prints nothing unless it has the whole answer.
    AuthorizedKeys(AuthorizedKeys),
    /// What the operator does
    #[command(subcommand)]
    Admin(Admin),
}

/// What a node asks.
#[derive(Args, Debug)]
pub struct AuthorizedKeys {
    /// The cluster's id
    #[arg(long, value_name = "ID")]
    pub cluster: String,
    /// The user to log in as (sshd's %u)
    #[arg(long, value_name = "LOGIN")]
    pub user: String,
    /// Only the key with this fingerprint, the one that is shown (sshd's %f)
    #[arg(long, value_name = "SHA256:…")]
    pub fingerprint: Option<String>,
    /// File with the gateway token [env: ROSTER_GATEWAY_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// What the operator does.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Organizations
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Tokens of the gateways that may ask what is allowed
    #[command(subcommand)]
    GatewayToken(GatewayTokenCommand),
    /// Tokens of the meters that report usage which names no project
    #[command(subcommand)]
    MeterToken(MeterTokenCommand),
}

/// What the operator does with gateway tokens.
#[derive(Debug, Subcommand)]
pub enum GatewayTokenCommand {
    /// Make one and print it, this once
    ///
    /// Without any of the options of its scope it is for the whole installation, SSH keys with it. With one of them it
    /// may ask about what they name alone, and reads SSH keys only with --ssh.
    Create {
        /// What to call it
        name: String,
        /// What it may ask about
        #[command(flatten)]
        scope: GatewayScopeFlags,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Revoke one; it counts at once
    Revoke {
        /// What it is called
        name: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// List them, without their secrets
    List {
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
}

/// What a gateway token may ask about (E7).
#[derive(Args, Debug, Default)]
pub struct GatewayScopeFlags {
    /// Only about this organization
    #[arg(long, value_name = "SLUG")]
    pub organization: Option<String>,
    /// Only about this project: its id, which is its own for ever, or its slug of today
    #[arg(long, value_name = "ID")]
    pub project: Option<String>,
    /// Only about this cluster
    #[arg(long, value_name = "ID")]
    pub cluster: Option<String>,
    /// Only about these kinds of resources, or permissions: endpoint, volume:read
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// It may read the SSH keys of those who may log in to the clusters of its scope
    #[arg(long)]
    pub ssh: bool,
    /// Its last day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub expires: Option<String>,
}

/// What the operator does with meter tokens.
#[derive(Debug, Subcommand)]
pub enum MeterTokenCommand {
    /// Make one and print it, this once
    Create {
        /// What to call it
        name: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Revoke one; it counts at once
    Revoke {
        /// What it is called
        name: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// List them, without their secrets
    List {
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
}

/// What the operator does with organizations.
#[derive(Debug, Subcommand)]
pub enum OrganizationCommand {
    /// List them, with Owner, members and switches
    List {
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Make a member the Owner, for when an Owner is lost; a Member becomes an Admin by it
    Transfer {
        /// The organization's slug
        slug: String,
        /// The address of the member
        #[arg(long, value_name = "EMAIL")]
        to: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Switch additional projects on or off; projects that are there stay
    AdditionalProjects {
        /// The organization's slug
        slug: String,
        /// Whether its Admins may create projects
        switch: Switch,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What the operator does with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account, with an organization of its own
    Create {
        /// The address to sign in with
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// How the password comes
        #[command(flatten)]
        password: PasswordSource,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Verify a person's address, once you have made sure that the account is theirs
    Verify {
        /// The person's address
        email: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Give a person another address, once you have made sure that it is theirs; the old one is told, if mail is sent
    SetEmail {
        /// The person's address
        email: String,
        /// The address it becomes
        new: String,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
    /// Give a person a new password; ends their sessions, and all else by which somebody who made an account that is
    /// not verified could act
    SetPassword {
        /// The person's address
        email: String,
        /// How the password comes
        #[command(flatten)]
        password: PasswordSource,
        /// How the answer looks
        #[command(flatten)]
        output: Output,
    },
}

/// A password never stands on the command line, where other users of the machine can read it.
#[derive(Args, Debug)]
pub struct PasswordSource {
    /// Read the password from standard input: its first line
    #[arg(long, required = true)]
    pub password_stdin: bool,
}

/// How the answer looks.
#[derive(Args, Clone, Copy, Debug)]
pub struct Output {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}
