//! Server functions of a project's resources: the overview, the list of a kind, one resource, and the changes to them
//! (RULES E).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{Details, ResourceId, ResourceKind, ResourceState};
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp, list::ListQuery, projects::ProjectHead, typed_details::TypedDetails};
use crate::{
    Problem,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    outcome::Outcome,
};

#[cfg(feature = "ssr")]
use {
    super::{list::PAGE, slug},
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, choice, signed_in},
    },
    directory::{Creator, KindSummary, ProjectRef, ResourceChange, ResourceCursor, ResourceQuery, Target},
    policy::{FieldValue, Refusal, ResourceAction, ResourceField},
    std::collections::BTreeMap,
};

/// A resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceRow {
    pub(crate) id: ResourceId,
    pub(crate) name: String,
    pub(crate) state: ResourceState,
    /// The values of its kind's fields.
    pub(crate) details: Details,
    /// The name of the person who registered it, or of the API key by which a program did; true for a key.
    pub(crate) created_by: Option<(String, bool)>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A summary of a project's resources of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KindCard {
    pub(crate) kind: ResourceKind,
    pub(crate) count: u64,
    /// The number in each state.
    pub(crate) states: Vec<(ResourceState, u64)>,
    /// The latest ones.
    pub(crate) latest: Vec<ResourceRow>,
}

/// The overview of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OverviewPage {
    pub(crate) project: ProjectHead,
    /// A summary of each kind.
    pub(crate) kinds: Vec<KindCard>,
}

/// A page of the list of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcesPage {
    pub(crate) project: ProjectHead,
    pub(crate) kind: ResourceKind,
    pub(crate) rows: Vec<ResourceRow>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// The page of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcePage {
    pub(crate) project: ProjectHead,
    pub(crate) kind: ResourceKind,
    /// The resource.
    pub(crate) row: ResourceRow,
    /// The resource as the form shows it. The form sends it back; the browser does not interpret it.
    pub(crate) seen: String,
}

/// The resource as the form showed it. Only fields that differ from it are changed, so that a form does not overwrite
/// what somebody else saved meanwhile.
#[cfg(feature = "ssr")]
#[derive(Serialize, Deserialize)]
struct Seen {
    name: String,
    state: ResourceState,
    details: Details,
}

/// The dialog of a list of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListDialog {
    /// Creating a resource.
    Create,
}

impl DialogUrl for ListDialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Create => DialogQuery::named("create"),
        }
    }

    fn from_query(name: &str, _: DialogSubject) -> Option<Self> {
        (name == "create").then_some(Self::Create)
    }
}

/// The dialog of the page of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceDialog {
    /// Deleting the resource.
    Delete,
}

impl DialogUrl for ResourceDialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Delete => DialogQuery::named("delete"),
        }
    }

    fn from_query(name: &str, _: DialogSubject) -> Option<Self> {
        (name == "delete").then_some(Self::Delete)
    }
}

/// Returns the overview of a project.
#[server(endpoint = "overview", input = GetUrl)]
pub(crate) async fn overview(project: String) -> Result<OverviewPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let overview = context
        .directory
        .resource_overview(&principal, &slug(&project)?)
        .await?;
    Ok(OverviewPage {
        project: overview.project.into(),
        kinds: overview.kinds.into_iter().map(Into::into).collect(),
    })
}

/// Returns a page of the list. `kind` is the segment of its path.
#[server(endpoint = "resources", input = GetUrl)]
pub(crate) async fn resources(
    project: String,
    kind: String,
    #[server(default)] query: ListQuery,
) -> Result<ResourcesPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let (project, kind) = (ProjectRef::from(slug(&project)?), kind_in(&kind)?);
    let query = ResourceQuery {
        kind: Some(kind),
        state: choice(&query.state)?,
        sort: choice(&query.sort)?.unwrap_or_default(),
        order: choice(&query.order)?.unwrap_or_default(),
        after: if query.after.is_empty() {
            None
        } else {
            Some(ResourceCursor::decode(&query.after)?)
        },
        search: query.q,
        limit: PAGE,
    };
    let list = context.directory.resources(&principal, &project, &query).await?;
    Ok(ResourcesPage {
        project: list.context.project.into(),
        kind,
        rows: list.rows.into_iter().map(Into::into).collect(),
        next: list.next.map(|cursor| cursor.encode()),
    })
}

/// Returns one resource.
#[server(endpoint = "resource", input = GetUrl)]
pub(crate) async fn resource(project: String, kind: String, id: String) -> Result<ResourcePage, Problem> {
    let (context, _, principal) = signed_in()?;
    let (project, kind) = (ProjectRef::from(slug(&project)?), kind_in(&kind)?);
    let id = id.parse().map_err(|_| Refusal::Hidden)?;
    let (project_context, found) = context.directory.resource(&principal, &project, id).await?;
    // A resource has one address, which names its kind.
    if found.kind != kind {
        return Err(Refusal::Hidden.into());
    }
    let row = ResourceRow::from(found);
    let seen = Seen {
        name: row.name.clone(),
        state: row.state,
        details: row.details.clone(),
    };
    Ok(ResourcePage {
        project: project_context.project.into(),
        kind,
        seen: serde_json::to_string(&seen).map_err(|_| Problem::Internal)?,
        row,
    })
}

/// Parses the kind in a URL. A text that is not one is answered like an unknown address.
#[cfg(feature = "ssr")]
fn kind_in(path: &str) -> Result<ResourceKind, Problem> {
    ResourceKind::from_path(path).map_err(|_| Refusal::Hidden.into())
}

/// Parses a state.
#[cfg(feature = "ssr")]
fn state_in(typed: &str) -> Result<ResourceState, Problem> {
    typed.parse().map_err(|_| Refusal::StateInvalid.into())
}

#[cfg(feature = "ssr")]
impl From<directory::Resource> for ResourceRow {
    fn from(row: directory::Resource) -> Self {
        Self {
            id: row.id,
            name: row.name.to_string(),
            state: row.state,
            details: row.details,
            created_by: row.created_by.map(|creator| match creator {
                Creator::Person(_, name) => (name.to_string(), false),
                Creator::Key(_, name) => (name.to_string(), true),
            }),
            created_at: Timestamp(row.created_at.unix_timestamp()),
            updated_at: Timestamp(row.updated_at.unix_timestamp()),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<KindSummary> for KindCard {
    fn from(summary: KindSummary) -> Self {
        Self {
            kind: summary.kind,
            count: summary.count,
            states: summary.states,
            latest: summary.latest.into_iter().map(Into::into).collect(),
        }
    }
}

/// Registers a resource. Without a state it gets the first one of its kind.
#[server(endpoint = "create_resource")]
pub(crate) async fn create_resource(
    project: String,
    kind: String,
    name: String,
    #[server(default)] state: String,
    #[server(flatten)] details: TypedDetails,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let (slug, kind) = (slug(&project)?, kind_in(&kind)?);
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may create one are told what is wrong
        // with it.
        let permission = kind.permission(ResourceAction::Create);
        directory
            .authorize(&actor, permission, Target::Project(&slug.clone().into()))
            .await?;
        details.check_kind(kind)?;
        let called = super::name(&name)?;
        let state = if state.is_empty() {
            None
        } else {
            Some(state_in(&state)?)
        };
        let fields = Details::read(kind, |field| field.from_input(details.get(field)))?;
        let made = directory
            .create_resource(&actor, &slug.clone().into(), kind, &called, state, &fields)
            .await?;
        Ok(Done::ResourceCreated {
            kind,
            name: made.name.to_string(),
        })
    }
    .await;
    let typed = details.with(&[("name", &name), ("state", &state)]);
    answer(FormName::CreateResource, &typed, outcome, |outcome| {
        let dialog = outcome.is_err().then_some(ListDialog::Create);
        paths::with_dialog(&paths::resources(&slug, kind), dialog)
    })
}

/// Changes the fields of a resource that differ from `seen`; without `seen`, all of them.
#[server(endpoint = "update_resource")]
pub(crate) async fn update_resource(
    project: String,
    kind: String,
    id: ResourceId,
    name: String,
    state: String,
    #[server(default)] seen: String,
    #[server(flatten)] details: TypedDetails,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let (slug, kind) = (slug(&project)?, kind_in(&kind)?);
    let outcome = async {
        let permission = kind.permission(ResourceAction::Change);
        directory
            .authorize(&actor, permission, Target::Project(&slug.clone().into()))
            .await?;
        details.check_kind(kind)?;
        let wanted = changed(&name, &state, &details, serde_json::from_str(&seen).ok())?;
        let now = directory
            .update_resource(&actor, &slug.clone().into(), id, &wanted)
            .await?;
        Ok(Done::ResourceSaved {
            name: now.name.to_string(),
        })
    }
    .await;
    let typed = details.with(&[("name", &name), ("state", &state), ("seen", &seen)]);
    answer(FormName::Resource, &typed, outcome, |_| {
        paths::resource(&slug, kind, id)
    })
}

/// Returns the changes between `seen` and what was typed.
#[cfg(feature = "ssr")]
fn changed(name: &str, state: &str, details: &TypedDetails, seen: Option<Seen>) -> Result<ResourceChange, Problem> {
    let state = state_in(state)?;
    // Unchanged values are not validated again: the rules for input may have become stricter since they were stored.
    let has_name = seen.as_ref().is_some_and(|seen| seen.name == name.trim());
    let name = (!has_name).then(|| super::name(name)).transpose()?;
    let mut fields: BTreeMap<ResourceField, Option<FieldValue>> = BTreeMap::new();
    for (field, typed) in &details.0 {
        let before = seen.as_ref().and_then(|seen| seen.details.get(*field));
        if before.is_none_or(|before| before.to_string() != typed.trim()) {
            fields.insert(*field, field.from_input(typed)?);
        }
    }
    let Some(seen) = seen else {
        return Ok(ResourceChange {
            name,
            state: Some(state),
            details: fields,
        });
    };
    fields.retain(|field, value| value.as_ref() != seen.details.get(*field));
    Ok(ResourceChange {
        name: name.filter(|name| name.as_str() != seen.name),
        state: (state != seen.state).then_some(state),
        details: fields,
    })
}

/// Deletes a resource.
#[server(endpoint = "delete_resource")]
pub(crate) async fn delete_resource(
    project: String,
    kind: String,
    id: ResourceId,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let (slug, kind) = (slug(&project)?, kind_in(&kind)?);
    let outcome = directory
        .delete_resource(&actor, &slug.clone().into(), id)
        .await
        .map(|name| Done::ResourceDeleted {
            kind,
            name: name.to_string(),
        })
        .map_err(Problem::from);
    answer(FormName::DeleteResource, &[], outcome, |_| {
        paths::resources(&slug, kind)
    })
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use serde_qs::Config;

    use super::*;

    #[test]
    fn the_fields_of_a_resource_are_read_and_no_others() {
        let read = |form: &str| Config::new(5, false).deserialize_str::<CreateResource>(form).ok();
        let form = read("project=a&kind=files&name=b&size_bytes=1&purpose=batch").unwrap();
        assert_eq!(form.details.get(ResourceField::SizeBytes), "1");
        assert_eq!(form.details.get(ResourceField::Nodes), "");
        for form in [
            "project=a&kind=files&name=b&size=1",
            "project=a&kind=files&name=b&nodes=1&nodes=1",
            "project=a&kind=files&name=b&nodes[x]=1",
        ] {
            assert!(read(form).is_none(), "{form}");
        }
    }

    /// A field that somebody else changed meanwhile keeps their value.
    #[test]
    fn what_was_left_as_it_was_is_no_change() {
        let details = |nodes: &str| {
            let typed = [
                (ResourceField::Nodes, nodes),
                (ResourceField::Scheduler, "slurm"),
                (ResourceField::GpusPerNode, "8"),
                (ResourceField::Gpu, "H100"),
            ];
            Details::read(ResourceKind::Cluster, |field| {
                let found = typed.iter().find(|(known, _)| *known == field);
                field.read(found.map_or("", |(_, text)| text))
            })
            .unwrap()
        };
        let seen = || Seen {
            name: "train".to_owned(),
            state: ResourceState::Running,
            details: details("4"),
        };
        let typed = TypedDetails(BTreeMap::from([
            (ResourceField::Nodes, "8".to_owned()),
            (ResourceField::GpusPerNode, " 8 ".to_owned()),
            (ResourceField::Region, String::new()),
        ]));
        let change = changed(" train ", "running", &typed, Some(seen())).unwrap();
        assert_eq!((change.name, change.state), (None, None));
        assert_eq!(
            change.details,
            BTreeMap::from([(ResourceField::Nodes, Some(FieldValue::Whole(8)))])
        );
        let change = changed("other", "stopped", &TypedDetails::default(), Some(seen())).unwrap();
        assert_eq!(change.name.unwrap().as_str(), "other");
        assert_eq!(change.state, Some(ResourceState::Stopped));
        let change = changed("train", "running", &typed, None).unwrap();
        assert!(change.name.is_some() && change.state.is_some() && change.details.len() == 3);
    }
}
