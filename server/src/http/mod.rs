//! What every audience's routes need of HTTP: problems, layers, credentials, paths, plain pages.
//!
//! Each file is a leaf or uses its neighbours only. None may know a router, the state of the server, or a screen.

pub(crate) mod credentials;
pub(crate) mod layers;
pub(crate) mod paths;
pub(crate) mod plain_page;
pub(crate) mod problem;
