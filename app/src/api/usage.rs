//! What was used in a project, and what it cost: added up and put into words on the server, since the browser's program has
//! nothing to do with it but to show it.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{UsageKind, UsageRange};
use serde::{Deserialize, Serialize};

use super::{Moment, projects::ProjectHead};
use crate::Problem;

#[cfg(feature = "ssr")]
use {
    super::slug,
    crate::{
        chart,
        components::utc_day,
        gate::{choice, signed_in},
        words::grouped,
    },
    directory::{UsageReport, UsageSum},
    policy::UsageUnit,
};

/// What was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsagePage {
    /// The project.
    pub(crate) project: ProjectHead,
    /// How far back.
    pub(crate) range: UsageRange,
    /// The first day.
    pub(crate) first: Moment,
    /// The last.
    pub(crate) last: Moment,
    /// What all of it cost.
    pub(crate) total: String,
    /// What there was some of.
    pub(crate) kinds: Vec<KindUsage>,
    /// What it cost, by days or weeks, the latest first.
    pub(crate) lines: Vec<UsageLine>,
    /// The same as a picture, if it cost anything.
    pub(crate) chart: Option<Chart>,
}

/// What was used of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KindUsage {
    /// The kind.
    pub(crate) kind: UsageKind,
    /// How much.
    pub(crate) quantity: String,
    /// What it cost.
    pub(crate) cost: String,
}

/// What some days cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsageLine {
    /// The first of the days.
    pub(crate) first: Moment,
    /// The last, if there is more than one.
    pub(crate) last: Option<Moment>,
    /// What each kind cost, in the order of the kinds.
    pub(crate) costs: Vec<String>,
    /// All together.
    pub(crate) total: String,
}

/// A picture with the words beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chart {
    /// The picture, as markup of ours.
    pub(crate) svg: String,
    /// What its height stands for, the topmost first.
    pub(crate) scale: Vec<String>,
    /// The days it is about: the first, one in the middle, the last.
    pub(crate) days: [Moment; 3],
}

/// What was used in a project in the last 7, 30 or 90 days; empty for 30.
#[server(endpoint = "usage", input = GetUrl)]
pub(crate) async fn usage(project: String, #[server(default)] days: String) -> Result<UsagePage, Problem> {
    let (visit, session) = signed_in()?;
    let slug = slug(&project)?;
    let range = choice(&days)?.unwrap_or_default();
    let report = visit.directory.usage(session.user, &slug, range).await?;
    Ok(page(report, range))
}

#[cfg(feature = "ssr")]
const DAY: i64 = 86_400;

/// Days to a line of the table: a quarter is read week by week.
#[cfg(feature = "ssr")]
const fn days_to_a_line(range: UsageRange) -> usize {
    match range {
        UsageRange::Week | UsageRange::Month => 1,
        UsageRange::Quarter => 7,
    }
}

#[cfg(feature = "ssr")]
fn page(report: UsageReport, range: UsageRange) -> UsagePage {
    let first = report.first.midnight().assume_utc().unix_timestamp();
    let at = |nth: usize| Moment(first + DAY * i64::try_from(nth).unwrap_or_default());
    let count = usize::from(range.days());
    let mut days: Vec<Vec<(UsageKind, u64)>> = vec![Vec::new(); count];
    for sum in &report.sums {
        let nth = usize::try_from((sum.day - report.first).whole_days()).unwrap_or(usize::MAX);
        if let Some(day) = days.get_mut(nth) {
            day.push((sum.kind, sum.cost_micros));
        }
    }
    let kinds: Vec<_> = UsageKind::ALL
        .iter()
        .copied()
        .filter(|kind| report.sums.iter().any(|sum| sum.kind == *kind))
        .collect();
    let cost = |days: &[Vec<(UsageKind, u64)>], wanted: Option<UsageKind>| {
        let costs = days.iter().flatten();
        costs
            .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind))
            .fold(0_u64, |sum, (_, cost)| sum.saturating_add(*cost))
    };
    // From the last day back, so that the first line is a whole week.
    let mut lines = Vec::new();
    let mut end = count;
    while end > 0 {
        let begin = end.saturating_sub(days_to_a_line(range));
        let some = days.get(begin..end).unwrap_or_default();
        lines.push(UsageLine {
            first: at(begin),
            last: (end - begin > 1).then(|| at(end - 1)),
            costs: kinds.iter().map(|kind| dollars(cost(some, Some(*kind)))).collect(),
            total: dollars(cost(some, None)),
        });
        end = begin;
    }
    let total = dollars(cost(&days, None));
    let chart = chart(&days, &total, at);
    UsagePage {
        project: report.project.into(),
        range,
        first: at(0),
        last: at(count - 1),
        kinds: kinds
            .iter()
            .map(|kind| KindUsage {
                kind: *kind,
                quantity: quantity(&report.sums, *kind),
                cost: dollars(cost(&days, Some(*kind))),
            })
            .collect(),
        total,
        lines,
        chart,
    }
}

#[cfg(feature = "ssr")]
fn chart(days: &[Vec<(UsageKind, u64)>], total: &str, at: impl Fn(usize) -> Moment) -> Option<Chart> {
    let sum = |day: &Vec<(UsageKind, u64)>| day.iter().fold(0_u64, |sum, (_, cost)| sum.saturating_add(*cost));
    let costs = days.iter().map(sum);
    let (highest, most) = costs.enumerate().max_by_key(|(_, cost)| *cost)?;
    let last = days.len() - 1;
    let description = format!(
        "From {} to {}. The most on one day was {}, on {}; all together it was {total}. The table has the same numbers.",
        utc_day(at(0)),
        utc_day(at(last)),
        dollars(most),
        utc_day(at(highest)),
    );
    let drawn = chart::bars(days, ("Cost per day, by kind", &description), |nth| {
        let cost = days.get(nth).map_or(0, sum);
        format!("{}: {}", utc_day(at(nth)), dollars(cost))
    })?;
    Some(Chart {
        svg: drawn.svg,
        scale: drawn.scale.into_iter().map(round_dollars).collect(),
        days: [at(0), at(last / 2), at(last)],
    })
}

/// How much there was of a kind, in each unit it came in.
#[cfg(feature = "ssr")]
fn quantity(sums: &[UsageSum], kind: UsageKind) -> String {
    let in_unit = |unit: UsageUnit| {
        let sums = sums.iter().filter(|sum| sum.kind == kind && sum.unit == unit);
        let amount = sums.fold(None, |sum: Option<u64>, one| {
            Some(sum.unwrap_or(0).saturating_add(one.quantity))
        })?;
        Some(match unit {
            // What people reckon in.
            UsageUnit::GpuSeconds => format!("{} GPU hours", grouped(amount / 3600)),
            UsageUnit::GibHours | UsageUnit::Tokens | UsageUnit::Requests | UsageUnit::Bytes => {
                format!("{} {}", grouped(amount), unit.label())
            }
        })
    };
    let parts: Vec<_> = UsageUnit::ALL.iter().filter_map(|unit| in_unit(*unit)).collect();
    parts.join(", ")
}

/// Millionths of a US dollar, to the cent.
#[cfg(feature = "ssr")]
fn dollars(micros: u64) -> String {
    let cents = micros.saturating_add(5_000) / 10_000;
    if cents == 0 && micros > 0 {
        return "<$0.01".to_owned();
    }
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// The same where it stands at a line: no cents if there are none.
#[cfg(feature = "ssr")]
fn round_dollars(micros: u64) -> String {
    if micros.is_multiple_of(1_000_000) {
        format!("${}", grouped(micros / 1_000_000))
    } else {
        dollars(micros)
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_to_the_cent() {
        for (micros, text) in [
            (0, "$0.00"),
            (1, "<$0.01"),
            (5_000, "$0.01"),
            (1_234_567_891_234, "$1,234,567.89"),
            (999_995_000, "$1,000.00"),
        ] {
            assert_eq!(dollars(micros), text);
        }
        assert_eq!(round_dollars(2_000_000_000), "$2,000");
        assert_eq!(round_dollars(500_000), "$0.50");
    }
}
