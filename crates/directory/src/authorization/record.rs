//! What the audit row of a change will say.
//!
//! Owns the type. It must not know when it is written, nor by whom.

use policy::{OrganizationId, ProjectId};
use serde_json::Value;
use uuid::Uuid;

/// What the audit row will say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) target_id: Option<Uuid>,
    pub(crate) target: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}
