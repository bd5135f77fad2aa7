//! The parameters of paths and queries, as the description names them.

use policy::{KeyScope, ResourceKind, ResourceState};
use utoipa::{
    IntoParams,
    openapi::{
        KnownFormat, Object, ObjectBuilder, Required, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::super::page;

/// Characters of a search text.
pub(crate) const MOST_SEARCH: usize = 200;

/// The reaches of keys (K11).
pub(crate) fn reach() -> Object {
    codes(KeyScope::ALL.map(KeyScope::code)).build()
}

fn codes<const N: usize>(codes: [&'static str; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes))
}

/// Which part of a list is asked for.
pub(crate) struct PageParameters;

impl IntoParams for PageParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(page::MOST))
            .default(Some(page::USUAL.into()));
        let after = ObjectBuilder::new().schema_type(Type::String);
        vec![
            parameter("limit", "How many, at most.", limit),
            parameter(
                "after",
                "The place to go on from: `next_cursor` of the page before.",
                after,
            ),
        ]
    }
}

/// Which part of a list of resources is asked for.
pub(crate) struct ResourceParameters;

impl IntoParams for ResourceParameters {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let search = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MOST_SEARCH))
            .pattern(Some(r"^[^\u0000]*$"));
        let mut parameters = vec![
            parameter(
                "kind",
                "Only this kind.",
                codes(ResourceKind::ALL.map(ResourceKind::code)),
            ),
            parameter(
                "state",
                "Only those in this state.",
                codes(ResourceState::ALL.map(ResourceState::code)),
            ),
            parameter("q", "Only those with this in their name.", search),
            parameter(
                "sort",
                "What to sort by.",
                codes(["name", "added"]).default(Some("name".into())),
            ),
            parameter(
                "order",
                "Ascending or descending.",
                codes(["asc", "desc"]).default(Some("asc".into())),
            ),
        ];
        parameters.extend(PageParameters::into_params(place));
        parameters
    }
}

fn parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// A project in a path.
pub(crate) struct ProjectPath;

impl IntoParams for ProjectPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        vec![in_path("project", "The project’s slug, or its permanent id.", text)]
    }
}

/// A resource in a path.
pub(crate) struct ResourcePath;

impl IntoParams for ResourcePath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let mut parameters = ProjectPath::into_params(place);
        parameters.push(in_path("id", "The resource’s id.", id));
        parameters
    }
}

fn in_path(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
