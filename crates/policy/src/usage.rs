//! Usage (RULES D5): its kinds and units, and the project it is booked to.
//!
//! Owns these lists and rules. It must not know how usage is stored.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Permit, Refusal, Unknown};

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($variant:ident $code:literal $label:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {$(
            #[doc = $label]
            $variant,
        )*}

        impl $name {
            /// All of them, in the order of the screens.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns its code, as stored and as in REST.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {$(Self::$variant => $code,)*}
            }

            /// Returns its label, for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {$(Self::$variant => $label,)*}
            }
        }

        impl FromStr for $name {
            type Err = Unknown;

            fn from_str(text: &str) -> Result<Self, Unknown> {
                Self::ALL.iter().copied().find(|known| known.code() == text).ok_or(Unknown)
            }
        }
    };
}

codes! {
    /// What was used: a kind of resource, or something that is no resource.
    UsageKind {
        Cluster "cluster" "Clusters";
        Volume "volume" "Volumes";
        Model "model" "Fine-tuning";
        Endpoint "endpoint" "Endpoints";
        Evaluation "evaluation" "Evaluations";
        File "file" "Files";
        Playground "playground" "Playground";
        Other "other" "Other";
    }
}

codes! {
    /// The unit of a quantity.
    UsageUnit {
        GpuSeconds "gpu_seconds" "GPU seconds";
        GibHours "gib_hours" "GiB hours";
        Tokens "tokens" "tokens";
        Requests "requests" "requests";
        Bytes "bytes" "bytes";
    }
}

impl UsageUnit {
    /// Returns the largest quantity of one record (E9): a day of the largest cluster, with room to spare.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::GpuSeconds | Self::GibHours => 10_000_000_000,
            Self::Requests => 100_000_000_000,
            Self::Tokens => 10_000_000_000_000,
            Self::Bytes => MOST_QUANTITY,
        }
    }
}

/// The largest quantity of one record in any unit (E9).
pub const MOST_QUANTITY: u64 = 1_000_000_000_000_000;
/// The largest cost of one record, in millionths of a US dollar: a million dollars (E9).
pub const MOST_COST_MICROS: u64 = 1_000_000_000_000;

/// The period of a report of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageRange {
    /// A week.
    Week,
    /// About a month.
    #[default]
    Month,
    /// About a quarter.
    Quarter,
}

impl UsageRange {
    /// All periods, the shortest first.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// Returns how many days it has, including today.
    #[must_use]
    pub const fn days(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }
}

impl FromStr for UsageRange {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|range| range.days().to_string() == text)
            .ok_or(Unknown)
    }
}

/// The project that usage is booked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booking {
    /// The project it was reported for.
    Project,
    /// The organization's Default Project.
    DefaultProject,
}

/// Checks that an API key may report usage. The caller has found the key to be active, and the project that is named to
/// be the key's. Every key may report usage that names its project; only the Organization Default Key may report usage
/// that names none (E9).
///
/// # Errors
/// [`Refusal::UsageNamesNoProject`].
pub const fn check_usage_report(names_project: bool, is_default_key: bool) -> Result<Permit, Refusal> {
    if names_project || is_default_key {
        Ok(Permit::issue())
    } else {
        Err(Refusal::UsageNamesNoProject)
    }
}

/// Returns the project that usage of this kind is booked to (D5). `names_project`: it was reported for a project.
/// `before_project`: it was used before that project existed.
#[must_use]
pub const fn book(kind: UsageKind, names_project: bool, before_project: bool) -> Booking {
    match kind {
        UsageKind::Playground => Booking::DefaultProject,
        UsageKind::Cluster
        | UsageKind::Volume
        | UsageKind::Model
        | UsageKind::Endpoint
        | UsageKind::Evaluation
        | UsageKind::File
        | UsageKind::Other => {
            if names_project && !before_project {
                Booking::Project
            } else {
                Booking::DefaultProject
            }
        }
    }
}
