//! What every router of the server shares: the directory over each audience's connections, the site, cookies, live
//! hints.
//!
//! A leaf: it must not know routes, pages or layers.

use std::sync::Arc;

use app::request_context::Cookies;
use directory::Directory;

use crate::{assets::Assets, client::TrustedProxies, events::broadcast::Broadcast, metrics::Metrics};

/// What the handlers of pages, forms, events and gateways share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The directory over the connections for people.
    pub directory: Directory,
    /// The directory over the connections reserved for programs.
    pub for_programs: Directory,
    /// The directory over the connections reserved for gateways.
    pub for_gateways: Directory,
    /// The built site.
    pub assets: Arc<Assets>,
    /// How cookies are named and sealed.
    pub cookies: Cookies,
    /// The live hints.
    pub broadcast: Broadcast,
    /// The public base URL: the origin that forms come from, and the host that pages are asked for by.
    pub url: Arc<str>,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub proxies: TrustedProxies,
    /// What is counted about requests, if there is a listener that gives it out (U1).
    pub metrics: Option<Metrics>,
}
