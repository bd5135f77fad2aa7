//! What the handlers of REST share: their state, their result, and the order of "may" before "is it well-formed".

use std::{future::Future, sync::Arc};

use axum::body::Bytes;
use directory::{Directory, OffsetDateTime};
use time::format_description::well_known::Rfc3339;

use super::limits::Limits;
use crate::http::problem::ApiError;

/// What the routes need to answer. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) directory: Directory,
    pub(super) limits: Arc<Limits>,
    /// The OpenAPI document, serialized.
    pub(super) document: Bytes,
}

/// The answer to a program, or what went wrong.
pub(super) type Result<T> = std::result::Result<T, ApiError>;

/// The result of reading a request. If it is an error, `may` is asked first and its refusal wins: only a caller who may
/// do this at all learns what is wrong with the request (P3, R2).
pub(super) async fn permission_first<T>(read: Result<T>, may: impl Future<Output = Result<()>>) -> Result<T> {
    if read.is_err() {
        may.await?;
    }
    read
}

/// A timestamp as programs read it (N4).
pub(super) fn timestamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
