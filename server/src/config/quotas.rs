//! The settings of quotas (J12).
//!
//! Owns the environment variable and the settings file's name of each. Must not know what a quota limits.

use policy::Quotas;

use super::error::ConfigError;

/// The largest quota that can be set: more is no limit in practice.
const MOST: u32 = 1_000_000_000;

/// Reads the quotas; one that is not set has its default.
pub(crate) fn read(value: &impl Fn(&'static str) -> Option<String>) -> Result<Quotas, ConfigError> {
    let default = Quotas::default();
    Ok(Quotas {
        projects: number(value, "ROSTER_MAX_PROJECTS", default.projects)?,
        api_keys: number(value, "ROSTER_MAX_API_KEYS", default.api_keys)?,
        invitations: number(value, "ROSTER_MAX_INVITATIONS", default.invitations)?,
        resources: number(value, "ROSTER_MAX_RESOURCES", default.resources)?,
        usage_records: number(value, "ROSTER_MAX_USAGE_RECORDS", default.usage_records)?,
        streams: number(value, "ROSTER_MAX_STREAMS", default.streams)?,
        organization_streams: number(value, "ROSTER_MAX_ORGANIZATION_STREAMS", default.organization_streams)?,
    })
}

fn number(
    value: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    default: u32,
) -> Result<u32, ConfigError> {
    let Some(text) = value(name) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(number @ 1..=MOST) => Ok(number),
        Ok(_) | Err(_) => Err(ConfigError::Value {
            name,
            value: text,
            allowed: "a whole number from 1 to 1000000000",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::error::QUOTAS, *};

    #[test]
    fn j12_each_quota_is_set_by_its_own_name() {
        let set = |wanted: &'static str| {
            read(&|name| (name == wanted).then(|| "7".to_owned()))
                .map(|quotas| format!("{quotas:?}"))
                .unwrap()
        };
        let default = format!("{:?}", Quotas::default());
        let values: std::collections::HashSet<_> = QUOTAS.map(|(name, _)| set(name)).into();
        assert_eq!(values.len(), QUOTAS.len());
        assert!(!values.contains(&default));
        assert_eq!(read(&|_| None).unwrap(), Quotas::default());
    }

    #[test]
    fn j12_a_quota_that_is_none_stops_the_start() {
        for wrong in ["0", "-1", "many", "1.5", "1000000001", "99999999999999999999"] {
            let error = read(&|name| (name == "ROSTER_MAX_PROJECTS").then(|| wrong.to_owned())).unwrap_err();
            let said = error.to_string();
            assert!(said.contains("ROSTER_MAX_PROJECTS") && said.contains(wrong), "{said}");
        }
    }
}
