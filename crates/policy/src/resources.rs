//! The six kinds of resources (RULES E), as data: the states and fields of each, and the permission that each action
//! requires.
//!
//! Owns these tables, from which forms, lists, REST and its description are made. It must not know how a resource is
//! stored or displayed.

mod state;

pub use state::ResourceState;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Name, Permission, Refusal};

/// A kind of resource (E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// A GPU cluster.
    Cluster,
    /// A volume, shared or local.
    Volume,
    /// A fine-tuned model.
    Model,
    /// A dedicated endpoint.
    Endpoint,
    /// An evaluation.
    Evaluation,
    /// A file.
    File,
}

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceAction {
    /// Reading it.
    View,
    /// Registering it.
    Create,
    /// Changing its size.
    Scale,
    /// Changing its name, state or configuration.
    Change,
    /// Deleting it from the register.
    Delete,
}

impl ResourceKind {
    /// All kinds, in the order of the screens.
    pub const ALL: [Self; 6] = [
        Self::Cluster,
        Self::Volume,
        Self::Model,
        Self::Endpoint,
        Self::Evaluation,
        Self::File,
    ];

    /// Returns its code, as stored, as in REST, and as in the names of permissions.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Volume => "volume",
            Self::Model => "model",
            Self::Endpoint => "endpoint",
            Self::Evaluation => "evaluation",
            Self::File => "file",
        }
    }

    /// Returns its name in the path of its list.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Volume => "volumes",
            Self::Model => "models",
            Self::Endpoint => "endpoints",
            Self::Evaluation => "evaluations",
            Self::File => "files",
        }
    }

    /// Returns the kind with this path.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn from_path(path: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|kind| kind.path() == path).ok_or(Unknown)
    }

    /// Returns its label in the singular, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Volume => "Volume",
            Self::Model => "Model",
            Self::Endpoint => "Endpoint",
            Self::Evaluation => "Evaluation",
            Self::File => "File",
        }
    }

    /// Returns its label in the plural, for people.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Cluster => "Clusters",
            Self::Volume => "Volumes",
            Self::Model => "Models",
            Self::Endpoint => "Endpoints",
            Self::Evaluation => "Evaluations",
            Self::File => "Files",
        }
    }

    /// Returns the states of this kind. A new resource gets the first one by default.
    #[must_use]
    pub const fn states(self) -> &'static [ResourceState] {
        use ResourceState::{Completed, Creating, Failed, Queued, Ready, Running, Stopped};
        match self {
            Self::Cluster | Self::Endpoint => &[Creating, Running, Stopped, Failed],
            Self::Volume | Self::File => &[Creating, Ready, Failed],
            Self::Model => &[Queued, Running, Ready, Failed],
            Self::Evaluation => &[Queued, Running, Completed, Failed],
        }
    }

    /// Returns the wanted state, or the first one if none is given.
    ///
    /// # Errors
    /// [`Refusal::StateInvalid`] for a state that this kind does not have.
    pub fn state(self, wanted: Option<ResourceState>) -> Result<ResourceState, Refusal> {
        self.states()
            .iter()
            .copied()
            .find(|state| wanted.is_none_or(|wanted| wanted == *state))
            .ok_or(Refusal::StateInvalid)
    }

    /// Returns the fields of this kind, besides name and state.
    #[must_use]
    pub const fn fields(self) -> &'static [ResourceField] {
        use ResourceField as F;
        match self {
            Self::Cluster => &[
                F::Gpu,
                F::Nodes,
                F::GpusPerNode,
                F::Scheduler,
                F::Region,
                F::SshLogin,
                F::Address,
            ],
            Self::Volume => &[F::SizeGib, F::Sharing, F::Region],
            Self::Model => &[F::BaseModel, F::Method],
            Self::Endpoint => &[F::Model, F::Gpu, F::Replicas, F::Address],
            Self::Evaluation => &[F::Model, F::Benchmark, F::Score],
            Self::File => &[F::Purpose, F::SizeBytes],
        }
    }

    /// Returns the permission that an action requires. If the table of permissions has no row of its own for changes of
    /// this kind, the permission to create is required.
    #[must_use]
    pub const fn permission(self, action: ResourceAction) -> Permission {
        use ResourceAction::{Change, Create, Delete, Scale, View};
        match (self, action) {
            (Self::Cluster, View) => Permission::ClusterView,
            (Self::Cluster, Create) => Permission::ClusterCreate,
            (Self::Cluster, Scale) => Permission::ClusterScale,
            (Self::Cluster, Change) => Permission::ClusterConfigure,
            (Self::Cluster, Delete) => Permission::ClusterDelete,
            (Self::Volume, View) => Permission::VolumeView,
            (Self::Volume, Create | Change) => Permission::VolumeCreate,
            (Self::Volume, Scale) => Permission::VolumeResize,
            (Self::Volume, Delete) => Permission::VolumeDelete,
            (Self::Model, View) => Permission::ModelView,
            (Self::Model, Create | Scale | Change) => Permission::ModelCreate,
            (Self::Model, Delete) => Permission::ModelDelete,
            (Self::Endpoint, View) => Permission::EndpointView,
            (Self::Endpoint, Create | Scale | Change) => Permission::EndpointCreate,
            (Self::Endpoint, Delete) => Permission::EndpointDelete,
            (Self::Evaluation, View) => Permission::EvaluationView,
            (Self::Evaluation, Create | Scale | Change) => Permission::EvaluationCreate,
            (Self::Evaluation, Delete) => Permission::EvaluationDelete,
            (Self::File, View) => Permission::FileView,
            (Self::File, Create | Scale | Change) => Permission::FileCreate,
            (Self::File, Delete) => Permission::FileDelete,
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The error for a text that is no kind, state or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known")]
pub struct Unknown;

impl FromStr for ResourceKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|kind| kind.code() == text).ok_or(Unknown)
    }
}

/// The values that a field accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldInput {
    /// A line of text.
    Text {
        /// Whether it may be empty.
        is_optional: bool,
    },
    /// A whole number.
    Whole {
        /// The least value.
        least: u64,
        /// The greatest value.
        most: u64,
        /// The unit, if the label does not say it.
        unit: &'static str,
    },
    /// One of these codes; each has a label.
    Choice(&'static [(&'static str, &'static str)]),
}

macro_rules! fields {
    ($($variant:ident $code:literal $label:literal $is_size:literal $input:expr;)*) => {
        /// A fact about a resource besides its name and state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ResourceField {$(
            #[doc = $label]
            $variant,
        )*}

        impl ResourceField {
            /// All fields.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns its code, as stored, and as in forms and REST.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {$(Self::$variant => $code,)*}
            }

            /// Returns its label, for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {$(Self::$variant => $label,)*}
            }

            /// Returns whether changing it changes the resource's size ([`ResourceAction::Scale`]).
            #[must_use]
            pub const fn is_size(self) -> bool {
                match self {$(Self::$variant => $is_size,)*}
            }

            /// Returns the values it accepts.
            #[must_use]
            pub const fn input(self) -> FieldInput {
                match self {$(Self::$variant => $input,)*}
            }
        }
    };
}

const TEXT: FieldInput = FieldInput::Text { is_optional: false };

const OPTIONAL: FieldInput = FieldInput::Text { is_optional: true };

const fn whole(least: u64, most: u64, unit: &'static str) -> FieldInput {
    FieldInput::Whole { least, most, unit }
}

fields! {
    Gpu "gpu" "GPU type" false TEXT;
    Nodes "nodes" "Nodes" true whole(0, 10_000, "");
    GpusPerNode "gpus_per_node" "GPUs per node" true whole(0, 72, "");
    Scheduler "scheduler" "Scheduler" false FieldInput::Choice(&[("kubernetes", "Kubernetes"), ("slurm", "Slurm")]);
    Region "region" "Region" false OPTIONAL;
    SshLogin "ssh_login" "SSH login" false OPTIONAL;
    // Where people and programs connect to it: a host to log in to, a URL to send requests to.
    Address "address" "Address" false OPTIONAL;
    SizeGib "size_gib" "Size in GiB" true whole(1, 10_000_000, "GiB");
    Sharing "sharing" "Type" false FieldInput::Choice(&[("shared", "Shared"), ("local", "Local")]);
    BaseModel "base_model" "Base model" false TEXT;
    Method "method" "Method" false FieldInput::Choice(&[("lora", "LoRA"), ("full", "Full fine-tuning")]);
    Model "model" "Model" false TEXT;
    Replicas "replicas" "Replicas" true whole(0, 1_000, "");
    Benchmark "benchmark" "Benchmark" false TEXT;
    Score "score" "Score" false OPTIONAL;
    Purpose "purpose" "Purpose" false
        FieldInput::Choice(&[("fine_tuning", "Fine-tuning"), ("evaluation", "Evaluation"), ("batch", "Batch")]);
    // The largest number that JavaScript represents exactly.
    SizeBytes "size_bytes" "Size in bytes" false whole(0, 9_007_199_254_740_991, "bytes");
}

impl ResourceField {
    /// Parses what was typed into it; an empty text gives `None`.
    ///
    /// # Errors
    /// [`Refusal::DetailInvalid`].
    pub fn read(self, typed: &str) -> Result<Option<FieldValue>, Refusal> {
        let typed = typed.trim();
        if typed.is_empty() {
            return self.check(None);
        }
        let value = match self.input() {
            FieldInput::Whole { .. } => FieldValue::Whole(typed.parse().map_err(|_| Refusal::DetailInvalid(self))?),
            FieldInput::Text { .. } | FieldInput::Choice(_) => FieldValue::Text(typed.to_owned()),
        };
        self.check(Some(value))
    }

    /// Checks that it accepts a value.
    ///
    /// # Errors
    /// [`Refusal::DetailInvalid`].
    pub fn check(self, value: Option<FieldValue>) -> Result<Option<FieldValue>, Refusal> {
        let is_good = match (self.input(), &value) {
            (FieldInput::Text { is_optional }, None) => is_optional,
            // The same characters as in a name, and no more of them.
            (FieldInput::Text { .. }, Some(FieldValue::Text(text))) => text.parse::<Name>().is_ok(),
            (FieldInput::Whole { least, most, .. }, Some(FieldValue::Whole(number))) => (least..=most).contains(number),
            (FieldInput::Choice(choices), Some(FieldValue::Text(text))) => choices.iter().any(|(code, _)| code == text),
            (FieldInput::Whole { .. } | FieldInput::Choice(_), None)
            | (FieldInput::Text { .. } | FieldInput::Choice(_), Some(FieldValue::Whole(_)))
            | (FieldInput::Whole { .. }, Some(FieldValue::Text(_))) => false,
        };
        if is_good {
            Ok(value)
        } else {
            Err(Refusal::DetailInvalid(self))
        }
    }
}

impl FromStr for ResourceField {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.code() == text)
            .ok_or(Unknown)
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A whole number.
    Whole(u64),
    /// A text, or the code of a choice.
    Text(String),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The checked fields of a resource: those of its kind, and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Details(BTreeMap<ResourceField, FieldValue>);

impl Details {
    /// Builds the fields of this kind; `value` returns the value of each.
    ///
    /// # Errors
    /// [`Refusal::DetailInvalid`] for the first that is wrong or missing.
    pub fn read(
        kind: ResourceKind,
        mut value: impl FnMut(ResourceField) -> Result<Option<FieldValue>, Refusal>,
    ) -> Result<Self, Refusal> {
        let mut details = BTreeMap::new();
        for field in kind.fields() {
            if let Some(value) = field.check(value(*field)?)? {
                details.insert(*field, value);
            }
        }
        Ok(Self(details))
    }

    /// Returns the same with some fields changed; `None` empties a field.
    ///
    /// # Errors
    /// [`Refusal::DetailInvalid`] for the first that is wrong, missing, or not of this kind.
    pub fn with(
        &self,
        kind: ResourceKind,
        changes: &BTreeMap<ResourceField, Option<FieldValue>>,
    ) -> Result<Self, Refusal> {
        if let Some(foreign) = changes.keys().find(|field| !kind.fields().contains(field)) {
            return Err(Refusal::DetailInvalid(*foreign));
        }
        Self::read(kind, |field| {
            Ok(changes
                .get(&field)
                .map_or_else(|| self.get(field).cloned(), Clone::clone))
        })
    }

    /// Returns the value of a field.
    #[must_use]
    pub fn get(&self, field: ResourceField) -> Option<&FieldValue> {
        self.0.get(&field)
    }

    /// Returns the fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (ResourceField, &FieldValue)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    /// Returns whether the size differs, and whether anything else does, since they require different permissions (R).
    #[must_use]
    pub fn differences(&self, other: &Self) -> (bool, bool) {
        let differs = |is_size: bool| {
            ResourceField::ALL
                .iter()
                .any(|field| field.is_size() == is_size && self.get(*field) != other.get(*field))
        };
        (differs(true), differs(false))
    }
}
