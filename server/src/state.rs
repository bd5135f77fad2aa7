//! What every router of the server shares: the directory over each audience's connections, the site, cookies, live
//! hints.
//!
//! A leaf: it must not know routes, pages or layers.

use std::sync::Arc;

use app::request_context::Cookies;
use directory::Directory;

use crate::{assets::Assets, client::TrustedProxies, events::broadcast::Broadcast};

/// What the console needs to answer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The directory, as people ask it.
    pub directory: Directory,
    /// The same, over the connections that programs have to themselves.
    pub for_programs: Directory,
    /// The same, over those of the gateways.
    pub for_gateways: Directory,
    /// The built site.
    pub assets: Arc<Assets>,
    /// How cookies are named and sealed.
    pub cookies: Cookies,
    /// The live hints.
    pub broadcast: Broadcast,
    /// The public base URL: the origin that forms come from, and the host that pages are asked for by.
    pub url: Arc<str>,
    /// The proxies that are believed about the client's address.
    pub proxies: TrustedProxies,
}
