//! The usage of a project and its cost, for collaborators of either role.

use leptos::{either::Either, prelude::*};
use policy::{Slug, UsageKind, UsageRange};

use crate::{
    api::usage::{self as api, Chart, KindUsage, Measure, UsageLine, UsagePage},
    components::{DayText, DefaultProjectNotice, Icon, PageHeader, PageTitle, Sign},
    load::{Loaded, load, once},
    paths,
};

#[component]
pub(crate) fn UsageScreen() -> impl IntoView {
    load::<api::Usage, _>(once, |page| view! { <Usage page/> })
}

/// Returns the address of the page with this range and measure.
fn address(slug: &Slug, range: UsageRange, measure: Option<Measure>) -> String {
    let measure = measure.map(|measure| format!("&measure={}", measure.code()));
    format!(
        "{}?days={}{}",
        paths::usage(slug),
        range.days(),
        measure.unwrap_or_default()
    )
}

#[component]
fn Usage(page: Loaded<UsagePage>) -> impl IntoView {
    let project = Signal::derive(move || page.with(|page| Some(page.project.clone())));
    let title = Signal::derive(move || page.with(|page| format!("Usage · {}", page.project.name)));
    let lead = Signal::derive(move || {
        page.with(|page| {
            format!(
                "What was used in {} and what it cost, by day in UTC.",
                page.project.name
            )
        })
    });
    let range = Memo::new(move |_| page.with(|page| page.range));
    let measure = Memo::new(move |_| page.with(|page| page.measure));
    let chosen = Memo::new(move |_| page.with(|page| page.chosen));
    let has_usage = Memo::new(move |_| page.with(|page| !page.kinds.is_empty()));
    // Each link keeps what the other kind of link chose.
    let range_link = move |to: UsageRange| {
        let href = move || project.get().map(|project| address(&project.slug, to, chosen.get()));
        let current = move || (range.get() == to).then_some("true");
        view! { <a class="button button-small" href=href aria-current=current>{format!("{} days", to.days())}</a> }
    };
    let measure_link = move |to: Measure| {
        let href = move || {
            project
                .get()
                .map(|project| address(&project.slug, range.get(), Some(to)))
        };
        let current = move || (measure.get() == to).then_some("true");
        view! { <a class="button button-small" href=href aria-current=current>{to.label()}</a> }
    };
    let shown = move || {
        let page = page.with(|page| Some(page.clone()))?;
        Some(if page.kinds.is_empty() {
            Either::Left(view! { <NothingUsed page/> })
        } else {
            Either::Right(view! { <Report page/> })
        })
    };
    view! {
        <PageTitle text=title/>
        <PageHeader title="Usage" lead>
            <nav class="row-buttons ranges" aria-label="Range">{UsageRange::ALL.map(range_link).collect_view()}</nav>
        </PageHeader>
        <DefaultProjectNotice project/>
        <div class="usage" aria-busy=move || page.busy.get().to_string()>
            {move || has_usage.get().then(|| view! {
                <nav class="row-buttons ranges" aria-label="Measure">
                    <For each=move || page.with(|page| page.measures.clone()) key=|to| *to children=measure_link/>
                </nav>
            })}
            {shown}
        </div>
    }
}

#[component]
fn NothingUsed(page: UsagePage) -> impl IntoView {
    let days = page.range.days();
    let path = format!("POST /v1/projects/{}/usage", page.project.slug);
    view! {
        <div class="empty">
            <span class="empty-sign"><Icon sign=Sign::Chart/></span>
            <h2>{format!("No usage in the last {days} days")}</h2>
            <p>
                "Usage appears here once a gateway or a scheduler reports it with an API key of this project: "
                <code>{path}</code>
            </p>
        </div>
    }
}

#[component]
fn Report(page: UsagePage) -> impl IntoView {
    let label = page.measure.label();
    let by = if page.range == UsageRange::Quarter {
        "week"
    } else {
        "day"
    };
    view! {
        <section class="card" aria-labelledby="per-day">
            <h2 id="per-day">{format!("{label} per day")}</h2>
            <p class="usage-total">
                <span>"Total"</span>
                <strong>{page.total}</strong>
                <span class="hint">"from "<DayText at=page.first/>" to "<DayText at=page.last/></span>
            </p>
            {page.chart.map(|chart| view! { <Picture chart/> })}
            <Kinds usages=page.kinds/>
        </section>
        <Lines label kinds=page.columns lines=page.lines by/>
    }
}

/// The chart, with its axes beside it as text, whose size does not change with the width of the page.
#[component]
fn Picture(chart: Chart) -> impl IntoView {
    let [first, middle, last] = chart.days;
    view! {
        <div class="chart">
            <ul class="chart-scale" aria-hidden="true">
                {chart.scale.into_iter().map(|label| view! { <li>{label}</li> }).collect_view()}
            </ul>
            <div class="chart-field" inner_html=chart.svg></div>
            <p class="chart-days" aria-hidden="true">
                <DayText at=first/><DayText at=middle/><DayText at=last/>
            </p>
        </div>
    }
}

/// What was used of each kind: the chart's legend, with the sums.
#[component]
fn Kinds(usages: Vec<KindUsage>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="table usage-kinds" aria-label="Usage by kind">
                <thead>
                    <tr>
                        <th scope="col">"Kind"</th>
                        <th scope="col" class="number-cell">"Cost"</th>
                    </tr>
                </thead>
                <tbody>
                    {usages.into_iter().map(|usage| view! {
                        <tr>
                            <th scope="row">
                                <Swatch kind=usage.kind/>
                                {usage.kind.label()}
                                <span class="usage-quantity">{usage.quantity}</span>
                            </th>
                            <td class="number-cell">{usage.cost}</td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Swatch(kind: UsageKind) -> impl IntoView {
    view! { <span class=format!("swatch usage-{}", kind.code()) aria-hidden="true"></span> }
}

/// The numbers of the chart as a table. The total stands first, so that it is visible in a narrow window.
#[component]
fn Lines(label: &'static str, kinds: Vec<UsageKind>, lines: Vec<UsageLine>, by: &'static str) -> impl IntoView {
    let first = if by == "week" { "Week" } else { "Day" };
    view! {
        <div>
            <h2 id="lines">{format!("{label} by {by}")}</h2>
            // The table may be wider than the window: it scrolls by itself, by the keyboard too.
            <div class="table-scroll" tabindex="0" role="region" aria-labelledby="lines">
                <table class="table usage-lines" aria-labelledby="lines">
                    <thead>
                        <tr>
                            <th scope="col">{first}</th>
                            <th scope="col" class="number-cell">"Total"</th>
                            {kinds.into_iter().map(|kind| view! {
                                <th scope="col" class="number-cell">{kind.label()}</th>
                            }).collect_view()}
                        </tr>
                    </thead>
                    <tbody>
                        {lines.into_iter().map(|line| view! {
                            <tr>
                                <th scope="row">
                                    <DayText at=line.first/>
                                    {line.last.map(|last| view! { " – "<DayText at=last/> })}
                                </th>
                                <td class="number-cell"><strong>{line.total}</strong></td>
                                {line.amounts.into_iter().map(|amount| view! {
                                    <td class="number-cell">{amount}</td>
                                }).collect_view()}
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
        </div>
    }
}
