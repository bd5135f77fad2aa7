//! Server functions that read, for a page: what they have in common, and how the server runs one while it makes a page.
//!
//! It must not know which page asks for what.

#[cfg(feature = "ssr")]
use std::{any::Any, future::Future, pin::Pin};

use leptos::server_fn::ServerFn;
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

/// A server function that reads, for a page.
pub(crate) trait Readable:
    ServerFn<Error = Problem, Output: Clone + Serialize + DeserializeOwned + Send + Sync + 'static>
    + DeserializeOwned
    + Send
    + 'static
{
}

impl<S> Readable for S
where
    S: ServerFn<Error = Problem> + DeserializeOwned + Send + 'static,
    S::Output: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
}

#[cfg(feature = "ssr")]
/// A server function's answer under way.
pub(crate) type Answered = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

#[cfg(feature = "ssr")]
/// An answer, as the page reads it and as it travels.
pub(crate) struct Answer {
    pub(crate) value: Box<dyn Any + Send + Sync>,
    pub(crate) json: String,
}

#[cfg(feature = "ssr")]
/// Runs a server function with the arguments in this query.
pub(crate) fn run<S: Readable>(query: String) -> Answered {
    Box::pin(async move {
        // As lax as the endpoint is with the brackets of nested fields.
        let arguments: S = serde_qs::Config::new(5, false)
            .deserialize_str(&query)
            .map_err(|_| policy::Refusal::Malformed)?;
        let value = arguments.run_body().await?;
        let json = to_json(&value);
        Ok(Answer {
            value: Box::new(value),
            json,
        })
    })
}

/// Writes a value as JSON.
#[cfg(feature = "ssr")]
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    // Fails for maps with keys that are no text alone, which no answer has.
    serde_json::to_string(value).unwrap_or_default()
}
