//! What is wrong with a configuration, and the names that settings have.

use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A value that is not allowed.
    #[error("{name} is {value:?}, but must be {allowed}")]
    Value {
        name: &'static str,
        value: String,
        allowed: &'static str,
    },
    /// A settings file that cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, String),
    /// A line of the settings file that is not a setting.
    #[error("{0} has the unknown setting {1:?}; known are {names}", names = known_settings())]
    Unknown(PathBuf, String),
}

/// The environment variable of each setting, and its name in the settings file.
const NAMES: [(&str, &str); 19] = [
    ("DATABASE_URL", "database_url"),
    ("ROSTER_DATABASE_DIRECT_URL", "database_direct_url"),
    ("ROSTER_DATABASE_CONNECTIONS", "database_connections"),
    ("ROSTER_DATA", "data"),
    ("ROSTER_ADDR", "addr"),
    ("ROSTER_GATEWAY_ADDR", "gateway_addr"),
    ("ROSTER_METRICS_ADDR", "metrics_addr"),
    ("ROSTER_TRUSTED_PROXIES", "trusted_proxies"),
    ("ROSTER_URL", "url"),
    ("ROSTER_SITE", "site"),
    ("ROSTER_SMTP_URL", "smtp_url"),
    ("ROSTER_MAIL_FROM", "mail_from"),
    ("ROSTER_SIGN_UP", "sign_up"),
    ("ROSTER_ADDITIONAL_PROJECTS", "additional_projects"),
    ("ROSTER_NEUTRAL_ADD_ERRORS", "neutral_add_errors"),
    ("ROSTER_INSECURE_HTTP", "insecure_http"),
    ("ROSTER_AUDIT_DAYS", "audit_days"),
    ("ROSTER_INSECURE_DATABASE", "insecure_database"),
    ("ROSTER_BREACHED_PASSWORDS", "breached_passwords"),
];

/// The same for the quotas.
pub(super) const QUOTAS: [(&str, &str); 7] = [
    ("ROSTER_MAX_PROJECTS", "max_projects"),
    ("ROSTER_MAX_API_KEYS", "max_api_keys"),
    ("ROSTER_MAX_INVITATIONS", "max_invitations"),
    ("ROSTER_MAX_RESOURCES", "max_resources"),
    ("ROSTER_MAX_USAGE_RECORDS", "max_usage_records"),
    ("ROSTER_MAX_STREAMS", "max_streams"),
    ("ROSTER_MAX_ORGANIZATION_STREAMS", "max_organization_streams"),
];

/// The names of all settings.
pub(super) fn names() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    NAMES.iter().chain(&QUOTAS)
}

/// Returns the names that a settings file may have, for a message.
fn known_settings() -> String {
    names().map(|(_, key)| *key).collect::<Vec<_>>().join(", ")
}
