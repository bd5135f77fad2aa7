//! Paths that several files need: the router for its routes, the log to leave out the secret at the end of a path.

/// Live events.
pub(crate) const EVENTS: &str = "/events";

/// Where gateways ask. What follows is the path of the request they hold, which is none of the server's.
pub(crate) const AUTHORIZE: &str = "/gateway/authorize/";

/// Pages whose path ends in a secret that stands in for signing in.
pub(crate) const BY_LINK: [&str; 5] = [
    "/invitations/",
    "/reset-password/",
    "/verify-email/",
    "/change-email/",
    "/undo-email-change/",
];
