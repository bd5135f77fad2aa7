//! Server functions that read, for a page: how one is asked, and how the server runs one while it makes a page.
//!
//! It must not know which page asks for what.

#[cfg(feature = "ssr")]
use std::{any::Any, future::Future, pin::Pin};

use leptos::server_fn::ServerFn;
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

/// A server function that reads, with its arguments.
#[derive(Clone)]
pub(crate) struct Ask {
    /// The path of the server function.
    pub(crate) path: &'static str,
    /// Its arguments, as a query.
    pub(crate) query: String,
    /// Whether it answers a page of its own alone, never a script: its arguments are secrets.
    #[cfg(feature = "hydrate")]
    pub(crate) is_secret: bool,
    /// Runs it in this process.
    #[cfg(feature = "ssr")]
    pub(crate) run: fn(String) -> Answered,
}

impl Ask {
    /// What its answer is found under: the address it is asked by, without arguments that are secrets.
    #[cfg(feature = "hydrate")]
    pub(crate) fn key(&self) -> String {
        if self.query.is_empty() || self.is_secret {
            self.path.to_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.query == other.query
    }
}

/// What a page asks for.
#[derive(Clone)]
pub(crate) struct Asks {
    /// For the frame around the page, if it has one.
    pub(crate) frame: Option<Ask>,
    /// For the page itself.
    pub(crate) page: Option<Ask>,
}

impl Asks {
    /// What the page itself asks for.
    #[cfg(feature = "hydrate")]
    pub(crate) fn without_frame(self) -> Self {
        Self { frame: None, ..self }
    }

    /// All of them, each once.
    pub(crate) fn all(self) -> impl Iterator<Item = Ask> {
        let page = self.page.filter(|page| Some(page) != self.frame.as_ref());
        self.frame.into_iter().chain(page)
    }
}

/// A server function that reads, and its arguments; empty ones are left out.
pub(crate) fn ask<S: Readable>(arguments: &[(&str, &str)]) -> Ask {
    let mut query = String::new();
    for (name, value) in arguments.iter().filter(|(_, value)| !value.is_empty()) {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
    Ask {
        path: S::PATH,
        query,
        #[cfg(feature = "hydrate")]
        is_secret: false,
        #[cfg(feature = "ssr")]
        run: run::<S>,
    }
}

/// The same, for arguments that must not be in the address of a request.
pub(crate) fn secret<S: Readable>(arguments: &[(&str, &str)]) -> Ask {
    let ask = ask::<S>(arguments);
    #[cfg(feature = "hydrate")]
    let ask = Ask { is_secret: true, ..ask };
    ask
}

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
