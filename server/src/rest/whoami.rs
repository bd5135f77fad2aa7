//! What a key is, and which projects it may use.

use axum::{
    Extension, Json,
    extract::{RawQuery, State},
};
use directory::{KeyView, Principal};
use policy::Refusal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::Parameters,
    context::{Rest, Result, timestamp},
    openapi::PageParameters,
    page::{self, List},
};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default()
        .routes(routes!(whoami))
        .routes(routes!(projects))
}

/// A key, and where it reaches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whoami {
    key: Key,
    project: Project,
    organization: Organization,
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
struct Key {
    id: Uuid,
    name: String,
    /// What it may do to its project's resources: what a Member of the project may (`use`), or what an Admin may
    /// (`manage`).
    #[schema(schema_with = super::openapi::reach)]
    reach: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it stops working; null if it does not by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Project {
    /// Permanent, unlike the slug.
    id: Uuid,
    slug: String,
    name: String,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
struct Organization {
    id: Uuid,
    slug: String,
    name: String,
}

impl From<&KeyView> for Project {
    fn from(view: &KeyView) -> Self {
        Self {
            id: view.project.0,
            slug: view.project_slug.to_string(),
            name: view.project_name.to_string(),
        }
    }
}

/// What the key of this request is, and where it reaches.
#[utoipa::path(get, path = "/v1/whoami", tag = "Keys", security(("key" = [])),
    responses((status = 200, description = "The key, its project and its organization.", body = Whoami)))]
async fn whoami(State(rest): State<Rest>, Extension(actor): Extension<Principal>) -> Result<Json<Whoami>> {
    let view = rest.directory.key_view(&actor).await?;
    let key = actor.api_key()?;
    Ok(Json(Whoami {
        project: (&view).into(),
        organization: Organization {
            id: view.organization.0,
            slug: view.organization_slug.to_string(),
            name: view.organization_name.to_string(),
        },
        key: Key {
            id: key.key.0,
            name: view.name.to_string(),
            reach: key.reach.code(),
            created_at: timestamp(view.created_at),
            expires_at: view.expires_at.map(timestamp),
        },
    }))
}

/// The projects that the key of this request may use: a key belongs to one (K1).
#[utoipa::path(get, path = "/v1/projects", tag = "Projects", security(("key" = [])), params(PageParameters),
    responses((status = 200, description = "The projects.", body = inline(List<Project>))))]
async fn projects(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Project>>> {
    let mut parameters = Parameters::read(query.as_deref().unwrap_or_default())?;
    let page = page::read(&mut parameters);
    parameters.end()?;
    // There is one, so no list has ever given out a place after it.
    if page.after.is_some() {
        return Err(Refusal::CursorInvalid.into());
    }
    let view = rest.directory.key_view(&actor).await?;
    Ok(Json(List {
        data: vec![(&view).into()],
        next_cursor: None,
    }))
}
