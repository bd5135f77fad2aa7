//! The audit row of a change, before it is written.
//!
//! Owns the type. It must not know when it is written, nor by whom.

use policy::{OrganizationId, ProjectId};
use serde_json::Value;
use uuid::Uuid;

/// The content of the audit row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) target_id: Option<Uuid>,
    pub(crate) target: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}
