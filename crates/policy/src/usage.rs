//! What was used (RULES D5): the kinds and units there are, and on whose books it goes.

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
            /// Each of them, in the order of the screens.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As stored and as in REST.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {$(Self::$variant => $code,)*}
            }

            /// As a person reads it.
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
    /// What was used: a kind of resource, or what is none.
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
    /// What a quantity counts.
    UsageUnit {
        GpuSeconds "gpu_seconds" "GPU seconds";
        GibHours "gib_hours" "GiB hours";
        Tokens "tokens" "tokens";
        Requests "requests" "requests";
        Bytes "bytes" "bytes";
    }
}

impl UsageUnit {
    /// As much as one record may say (E9): a day of the largest cluster there is, with room to spare.
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

/// More than a record may say of any unit (E9).
pub const MOST_QUANTITY: u64 = 1_000_000_000_000_000;
/// As much as one record may cost, in millionths of a US dollar: a million dollars (E9).
pub const MOST_COST_MICROS: u64 = 1_000_000_000_000;

/// How far back a report of usage goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageRange {
    /// A week.
    Week,
    /// A month, near enough.
    #[default]
    Month,
    /// A quarter, near enough.
    Quarter,
}

impl UsageRange {
    /// Each of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// How many days it has, today's with it.
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

/// Whose books usage goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booking {
    /// Those of the project it was reported for.
    Project,
    /// Those of the organization's Default Project.
    DefaultProject,
}

/// Whether an API key that is active, and found for the project that is named, may report usage: what it names its project for, always; what it names none for,
/// if it is the Organization Default Key (E9).
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

/// Whose books usage of this kind goes on (D5). `names_project`: it was reported for a project. `before_project`: it
/// was used before that project was there.
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
