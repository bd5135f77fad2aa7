//! The list of a project's resources of one kind (RULES E). One screen for all kinds, rendered from what the policy
//! says of each.

mod form;
pub(crate) mod one;

use leptos::prelude::*;
use policy::{FieldInput, FieldValue, Permission, ResourceAction, ResourceField, ResourceKind, ResourceState};

use super::use_project_slug;
use crate::{
    address::use_param,
    api::resources::{self as api, CreateResource, ListDialog, ResourceRow, ResourcesPage},
    components::{
        ButtonLink, DefaultProjectNotice, Dialog as DialogBox, DialogActions, Empty, Filter, FormSender, Icon,
        ListAddress, Listing, PageTitle, PostForm, Rows, SearchForm, Shown, Sign, SortHeader, Tone, Written, Zone,
        forget_when_closed, write_badge, write_time,
    },
    flash::{Notice, Notices},
    live::Live,
    load::{Loaded, load},
    markup::Markup,
    messages::grouped,
    outcome::FormName,
    paths,
};

/// How many fields of a kind have a column. The page of a resource shows all.
const COLUMNS: usize = 4;

#[component]
pub(crate) fn ResourcesScreen() -> impl IntoView {
    let (slug, kind) = (use_project_slug(), use_kind_path());
    let live = expect_context::<Live>();
    let base = Signal::derive(move || format!("/projects/{}/{}", slug.get(), kind.get()));
    ListAddress::provide::<ListDialog>(base);
    load::<api::Resources, _>(
        move || live.ticks.get(),
        |page| {
            view! {
                // Rendered again for another kind.
                <For each=move || page.with(|page| Some(page.kind)) key=|kind| *kind let:kind>
                    <Resources page kind/>
                </For>
            }
        },
    )
}

/// Returns the kind in the URL, as typed.
fn use_kind_path() -> Memo<String> {
    use_param("kind")
}

#[component]
fn Resources(page: Loaded<ResourcesPage>, kind: ResourceKind) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let notices = expect_context::<Notices>();
    let close_dialog = address.closer();
    let create = FormSender::to::<CreateResource>();
    let project = Signal::derive(move || page.with(|page| Some(page.project.clone())));
    let title = Signal::derive(move || page.with(|page| format!("{} · {}", kind.plural(), page.project.name)));
    let permission = kind.permission(ResourceAction::Create);
    let may_create = Memo::new(move |_| page.with(|page| page.project.standing.may(permission)));
    Effect::new(move |_| {
        if let Some(Ok(done)) = create.outcome().get() {
            notices.show(Notice::done(&done));
            close_dialog();
            page.reload();
        }
    });
    forget_when_closed([create]);
    let states: Vec<_> = std::iter::once(("", "Any state"))
        .chain(form::state_options(kind))
        .collect();
    view! {
        <PageTitle text=title/>
        <header class="page-header">
            <div class="page-heading">
                <p class="eyebrow">
                    {move || project.get().map(|project| view! {
                        <a href=paths::project(&project.slug)><bdi>{project.name}</bdi></a>
                    })}
                </p>
                <h1 id="heading" tabindex="-1">{kind.plural()}</h1>
            </div>
            {move || may_create.get().then(|| view! {
                <div class="page-actions">
                    <ButtonLink class="button button-primary" href=address.to(ListDialog::Create)>
                        <Icon sign=Sign::Plus/>
                        {format!("Create {}", kind.label())}
                    </ButtonLink>
                </div>
            })}
        </header>
        <DefaultProjectNotice project/>
        {move || (!may_create.get()).then(|| view! { <ForAdmins does="create" plural=kind.plural() permission/> })}
        <SearchForm what=kind.path() placeholder="Search by name">
            <Filter name="state" label="State" read=|query| &query.state options=states/>
        </SearchForm>
        <Table page kind may_create/>
        {move || (address.dialog() == Some(ListDialog::Create) && may_create.get()).then(|| {
            let project = page.peek(|page| Some(page.project.clone()));
            project.map(|project| view! { <CreateDialog create kind project=project.slug.to_string()/> })
        })}
    }
}

/// Says why an action is missing, and who can do it (R2).
#[component]
fn ForAdmins(
    /// The action.
    does: &'static str,
    /// The plural of what it is done to.
    plural: &'static str,
    /// The permission it needs.
    permission: Permission,
) -> impl IntoView {
    let (plural, who) = (plural.to_lowercase(), permission.granted_by());
    view! {
        <p class="card-line for-admins">
            <Icon sign=Sign::Info/>
            <span>
                {format!("Only Admins of the project can {does} {plural}. Ask {who} to do it, or to change your role.")}
            </span>
        </p>
    }
}

#[component]
fn Table(page: Loaded<ResourcesPage>, kind: ResourceKind, may_create: Memo<bool>) -> impl IntoView {
    let (none_found, none) = match kind {
        ResourceKind::Cluster => ("No cluster found", "No clusters yet"),
        ResourceKind::Volume => ("No volume found", "No volumes yet"),
        ResourceKind::Model => ("No model found", "No models yet"),
        ResourceKind::Endpoint => ("No endpoint found", "No endpoints yet"),
        ResourceKind::Evaluation => ("No evaluation found", "No evaluations yet"),
        ResourceKind::File => ("No file found", "No files yet"),
    };
    let columns = move || kind.fields().iter().take(COLUMNS);
    let address = expect_context::<ListAddress>();
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| page.with(|page| write_rows(page, kind, rows))))
            next=Signal::derive(move || page.with(|page| page.next.clone()))
            busy=page.busy
            class="table listing resources"
            empty=Empty {
                sign: sign_of(kind),
                none_fits: (none_found, "Nothing matches this search and this state."),
                none: (none, what_it_is(kind)),
                show_all: "Show all",
            }
            begin=move || begin(kind, may_create.get(), address.to(ListDialog::Create))
            head=move || view! {
                <SortHeader sort="name" label="Name"/>
                <th scope="col" class="role-cell">"State"</th>
                {columns().map(|field| view! {
                    <th scope="col" class=cell_of(*field)>{field.label()}</th>
                }).collect_view()}
                <SortHeader sort="added" label="Created"/>
            }
        />
    }
}

fn write_rows(page: &ResourcesPage, kind: ResourceKind, rows: &mut Rows) {
    let zone = rows.zone;
    for row in &page.rows {
        let href = paths::resource(&page.project.slug, kind, row.id);
        write_row(kind, row, &href, zone, rows.row(row.id.0.as_u128()));
    }
}

fn write_row(kind: ResourceKind, row: &ResourceRow, href: &str, zone: Zone, out: &mut Markup) {
    let fields: Vec<_> = kind
        .fields()
        .iter()
        .take(COLUMNS)
        .map(|field| (*field, said_of(row, *field)))
        .collect();
    out.raw("<tr><td class=\"name-cell\"><div class=\"person-words\"><span class=\"person-name\">");
    out.open("a").attribute("class", "row-link").attribute("href", href);
    out.raw("<bdi>")
        .text(&row.name)
        .raw("</bdi></a></span><span class=\"person-access\">");
    // For a window that has no room for its columns.
    for (nth, (field, text)) in fields.iter().filter(|(_, text)| !text.is_empty()).enumerate() {
        let between = if nth == 0 { "" } else { " · " };
        out.raw(between).text(field.label()).raw(": ").text(text);
    }
    out.raw("</span></div></td><td class=\"role-cell\">");
    write_state(out, row.state);
    out.raw("</td>");
    for (field, text) in &fields {
        out.open("td").attribute("class", cell_of(*field));
        out.text(text).raw("</td>");
    }
    out.raw("<td class=\"added-cell\">");
    write_time(out, row.created_at, Shown::Day, zone);
    out.raw("</td></tr>");
}

/// Returns the class of a field's column: numbers are aligned at their end.
const fn cell_of(field: ResourceField) -> &'static str {
    match field.input() {
        FieldInput::Whole { .. } => "field-cell number-cell",
        FieldInput::Choice(_) => "field-cell choice-cell",
        FieldInput::Text { .. } => "field-cell",
    }
}

/// The badge of a resource's state.
#[component]
pub(super) fn StateBadge(state: ResourceState) -> impl IntoView {
    view! { <Written write=Box::new(move |out| write_state(out, state))/> }
}

/// Writes the badge of a resource's state. Working and failed states stand out; idle and intermediate ones do not.
fn write_state(out: &mut Markup, state: ResourceState) {
    let tone = match state {
        ResourceState::Failed => Tone::Danger,
        ResourceState::Running | ResourceState::Ready | ResourceState::Completed => Tone::Done,
        ResourceState::Creating | ResourceState::Queued | ResourceState::Stopped => Tone::Plain,
    };
    write_badge(out, tone, state.label());
}

/// Returns the value of a field as people read it; empty if it is not set.
fn said_of(row: &ResourceRow, field: ResourceField) -> String {
    match (row.details.get(field), field.input()) {
        (Some(FieldValue::Whole(number)), _) => grouped(*number),
        (Some(FieldValue::Text(text)), FieldInput::Choice(choices)) => choices
            .iter()
            .find(|(code, _)| code == text)
            .map_or_else(|| text.clone(), |(_, label)| (*label).to_owned()),
        (Some(FieldValue::Text(text)), FieldInput::Text { .. } | FieldInput::Whole { .. }) => text.clone(),
        (None, _) => String::new(),
    }
}

/// Returns the icon of a kind.
pub(super) const fn sign_of(kind: ResourceKind) -> Sign {
    match kind {
        ResourceKind::Cluster => Sign::Nodes,
        ResourceKind::Volume => Sign::Disk,
        ResourceKind::Model => Sign::Layers,
        ResourceKind::Endpoint => Sign::Plug,
        ResourceKind::Evaluation => Sign::Gauge,
        ResourceKind::File => Sign::Page,
    }
}

/// Returns what a resource of this kind is for, shown in an empty list (N5).
pub(super) const fn what_it_is(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Cluster => {
            "GPU machines with Kubernetes or Slurm. Everybody in the project can log in to their nodes."
        }
        ResourceKind::Volume => "Storage that the project’s clusters share, or that one machine has to itself.",
        ResourceKind::Model => "Fine-tuned base models.",
        ResourceKind::Endpoint => "Models served on dedicated GPUs.",
        ResourceKind::Evaluation => "How well models and endpoints do on benchmarks.",
        ResourceKind::File => "Data for fine-tuning, evaluations and batches.",
    }
}

/// Returns what to do first in an empty list (N5).
fn begin(kind: ResourceKind, may_create: bool, create: Signal<String>) -> AnyView {
    if may_create {
        view! {
            <p>"Register your first one here, or have a program do it with an API key of the project."</p>
            <p><ButtonLink href=create>{format!("Create {}", kind.label())}</ButtonLink></p>
        }
        .into_any()
    } else {
        view! { <p>{format!("Ask an Admin of the project to create the first {}.", kind.code())}</p> }.into_any()
    }
}

/// Returns what creating a resource of this kind does, shown before it is done (N5). Roster runs none of them (E2).
const fn what_creating_does(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Cluster => "Registers a cluster that runs elsewhere. Roster doesn’t start it.",
        ResourceKind::Volume => "Registers a volume that is kept elsewhere. Roster doesn’t set it up.",
        ResourceKind::Model => "Registers a model that is trained elsewhere. Roster doesn’t train it.",
        ResourceKind::Endpoint => "Registers an endpoint that runs elsewhere. Roster doesn’t start it.",
        ResourceKind::Evaluation => "Registers an evaluation that runs elsewhere. Roster doesn’t run it.",
        ResourceKind::File => "Registers a file that is stored elsewhere. Roster doesn’t upload it.",
    }
}

/// The dialog that registers a resource.
#[component]
fn CreateDialog(create: FormSender, kind: ResourceKind, project: String) -> impl IntoView {
    let close = expect_context::<ListAddress>().closed();
    view! {
        <DialogBox title=format!("Create {}", kind.label()) close=close.get_untracked()>
            <p class="lead">{what_creating_does(kind)}</p>
            <PostForm action=create class="form">
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="kind" value=kind.path()/>
                <form::Fields form=FormName::CreateResource action=create kind now=None/>
                <DialogActions close action=create label="Create"/>
            </PostForm>
        </DialogBox>
    }
}
