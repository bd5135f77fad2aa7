//! How a problem travels as the failure of a server function: what the framework's own failures become, and JSON on the
//! way. Owns no codes, which are `problem.rs`.

use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use policy::Refusal;

use crate::Problem;
#[cfg(feature = "ssr")]
use crate::request_context;

impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_) => Self::Refused(Refusal::Malformed),
            // In the browser these are a server that does not answer; on the server, a request that cannot be read.
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Deserialization(_) => {
                if cfg!(feature = "ssr") {
                    Self::Refused(Refusal::Malformed)
                } else {
                    Self::Unreachable
                }
            }
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => Self::Internal,
        }
    }

    fn ser(&self) -> leptos::server_fn::Bytes {
        // Called on the server when this becomes an answer: the one place that sees every failure, those of reading the
        // arguments included.
        #[cfg(feature = "ssr")]
        request_context::fail(*self);
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
