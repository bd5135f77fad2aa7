//! The route of a request as a label: a closed set, however many paths are asked for.

use std::collections::HashSet;

use axum::extract::{MatchedPath, Request};

/// The pages, as `app` has its routes. A test compares the two.
const PAGES: [&str; 26] = [
    "/",
    "/sign-in",
    "/sign-up",
    "/forgot-password",
    "/reset-password/{token}",
    "/invitations/{token}",
    "/verify-email/{token}",
    "/change-email/{token}",
    "/undo-email-change/{token}",
    "/docs/roles",
    "/projects/{project}",
    "/projects/{project}/usage",
    "/projects/{project}/{kind}",
    "/projects/{project}/{kind}/{id}",
    "/settings/profile",
    "/settings/sessions",
    "/settings/ssh-keys",
    "/settings/my-api-keys",
    "/settings/organization/{organization}",
    "/settings/organization/{organization}/members",
    "/settings/organization/{organization}/invitations",
    "/settings/organization/{organization}/projects",
    "/settings/projects/{project}",
    "/settings/projects/{project}/collaborators",
    "/settings/projects/{project}/api-keys",
    OTHER,
];

/// Whatever else is asked for.
const OTHER: &str = "other";
/// The built site, which no route stands for.
const SITE: [(&str, &str); 3] = [
    ("/pkg/", "/pkg/{file}"),
    ("/fonts/", "/fonts/{file}"),
    ("/favicon.svg", "/favicon.svg"),
];
/// The route of server functions; each known one is a label of its own.
const FUNCTIONS: &str = "/api/{*function}";

/// Who asks by a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Gateways, for a decision.
    Decisions,
    /// Gateways and nodes, for something else.
    Gateways,
    /// Programs.
    Programs,
    /// People, probes and browsers.
    Others,
}

/// A route.
pub(super) enum Route {
    /// As the router has it.
    Matched(MatchedPath),
    /// One of a list.
    Known(&'static str),
}

impl Route {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Matched(path) => path.as_str(),
            Self::Known(path) => path,
        }
    }
}

/// The routes that the router doesn't name.
#[derive(Debug)]
pub(super) struct Routes {
    functions: HashSet<&'static str>,
}

impl Routes {
    pub(super) fn new() -> Self {
        let functions = leptos::server_fn::axum::server_fn_paths();
        Self {
            functions: functions.map(|(path, _)| path).collect(),
        }
    }

    /// Returns the route of a request that was matched, and who asks by it.
    pub(super) fn of(&self, request: &Request) -> (Route, Audience) {
        let path = request.uri().path();
        let route = match request.extensions().get::<MatchedPath>() {
            Some(matched) if matched.as_str() == FUNCTIONS => self
                .functions
                .get(path)
                .map_or_else(|| Route::Matched(matched.clone()), |known| Route::Known(known)),
            Some(matched) => Route::Matched(matched.clone()),
            None => Route::Known(unmatched(path)),
        };
        let audience = audience(route.as_str());
        (route, audience)
    }
}

fn audience(route: &str) -> Audience {
    if route.starts_with("/gateway/authorize") {
        Audience::Decisions
    } else if route.starts_with("/gateway/") || route.starts_with("/ssh/") || route.starts_with("/access/") {
        Audience::Gateways
    } else if route.starts_with("/v1/") {
        Audience::Programs
    } else {
        Audience::Others
    }
}

/// The route of a path that the router has no route for.
fn unmatched(path: &str) -> &'static str {
    let site = SITE.into_iter().find(|(head, _)| path.starts_with(head));
    if let Some((_, route)) = site {
        return route;
    }
    let page = PAGES.into_iter().find(|page| is_of(path, page));
    page.unwrap_or(OTHER)
}

/// Whether a path is one of a page, segment by segment.
fn is_of(path: &str, page: &str) -> bool {
    let (mut segments, mut pattern) = (path.split('/'), page.split('/'));
    loop {
        match (segments.next(), pattern.next()) {
            (None, None) => return true,
            (Some(segment), Some(wanted)) if segment == wanted => {}
            (Some(segment), Some(wanted)) if wanted.starts_with('{') && !segment.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use leptos_axum::generate_route_list;

    use super::*;

    /// U1: a new page is a label as well.
    #[tokio::test]
    async fn u1_every_page_is_a_route() {
        drop(any_spawner::Executor::init_tokio());
        let of_the_app: BTreeSet<_> = generate_route_list(app::App)
            .iter()
            .map(|route| route.path().to_owned())
            .map(|route| if route == "/{*rest}" { OTHER.to_owned() } else { route })
            .collect();
        let here: BTreeSet<_> = PAGES.into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(here, of_the_app);
    }

    #[test]
    fn a_path_without_a_route_of_the_router_has_one_of_a_list() {
        for (path, route) in [
            ("/", "/"),
            ("/projects/acme/usage", "/projects/{project}/usage"),
            ("/projects/acme/cluster", "/projects/{project}/{kind}"),
            ("/invitations/a-secret", "/invitations/{token}"),
            ("/invitations/", OTHER),
            ("/projects/acme/", OTHER),
            ("/pkg/roster.abc.wasm", "/pkg/{file}"),
            ("/wp-login.php", OTHER),
            ("/other", OTHER),
            ("other", OTHER),
        ] {
            assert_eq!(unmatched(path), route, "{path}");
        }
    }
}
