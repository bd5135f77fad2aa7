//! What was used in a project, and what it cost: added up and formatted on the server, since the browser's program has
//! nothing to do with it but to show it.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{UsageKind, UsageRange, UsageUnit};
use serde::{Deserialize, Serialize};

use super::{Timestamp, projects::ProjectHead};
use crate::Problem;

#[cfg(feature = "ssr")]
use {
    super::slug,
    crate::{
        chart,
        components::utc_day,
        messages::grouped,
        request_context::{choice, signed_in},
    },
    directory::{UsageReport, UsageSum},
    policy::Unknown,
    std::str::FromStr,
};

/// What the chart and the table are about. One at a time: hours don't stand on tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// What it cost.
    #[default]
    Cost,
    /// How much it was, of what is counted in this unit.
    Quantity(UsageUnit),
}

impl Measure {
    /// As in the URL.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Quantity(unit) => unit.code(),
        }
    }

    /// As a person reads it, at the beginning of a heading.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Cost => "Cost",
            // What people reckon in.
            Self::Quantity(UsageUnit::GpuSeconds) => "GPU hours",
            Self::Quantity(UsageUnit::GibHours) => "GiB hours",
            Self::Quantity(UsageUnit::Tokens) => "Tokens",
            Self::Quantity(UsageUnit::Requests) => "Requests",
            Self::Quantity(UsageUnit::Bytes) => "Bytes",
        }
    }
}

#[cfg(feature = "ssr")]
impl FromStr for Measure {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::all().find(|measure| measure.code() == text).ok_or(Unknown)
    }
}

#[cfg(feature = "ssr")]
impl Measure {
    /// Each of them, in the order of the screen.
    fn all() -> impl Iterator<Item = Self> {
        let quantities = UsageUnit::ALL.iter().map(|unit| Self::Quantity(*unit));
        std::iter::once(Self::Cost).chain(quantities)
    }

    /// How much of it a sum has, if it has to do with it.
    fn of(self, sum: &UsageSum) -> Option<u64> {
        match self {
            Self::Cost => Some(sum.cost_micros),
            Self::Quantity(unit) => (sum.unit == unit).then_some(sum.quantity),
        }
    }

    /// So much of it, where its name stands above.
    fn figure(self, amount: u64) -> String {
        match self {
            Self::Cost => dollars(amount),
            Self::Quantity(UsageUnit::GpuSeconds) => hours(amount),
            Self::Quantity(UsageUnit::GibHours | UsageUnit::Tokens | UsageUnit::Requests | UsageUnit::Bytes) => {
                grouped(amount)
            }
        }
    }

    /// So much of it, with its name.
    fn text(self, amount: u64) -> String {
        let figure = self.figure(amount);
        match self {
            Self::Cost => figure,
            Self::Quantity(UsageUnit::GpuSeconds) => format!("{figure} GPU hours"),
            Self::Quantity(unit) => format!("{figure} {}", unit.label()),
        }
    }

    /// So much of it where it stands at a line.
    fn mark(self, amount: u64) -> String {
        match self {
            Self::Cost => round_dollars(amount),
            Self::Quantity(_) => self.figure(amount),
        }
    }

    /// The least that lines may be apart: a tenth of an hour, so that they stand at round hours; one of anything else.
    const fn grain(self) -> u64 {
        match self {
            Self::Quantity(UsageUnit::GpuSeconds) => TENTH_OF_AN_HOUR,
            Self::Cost | Self::Quantity(_) => 1,
        }
    }
}

/// What was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsagePage {
    /// The project.
    pub(crate) project: ProjectHead,
    /// How far back.
    pub(crate) range: UsageRange,
    /// The first day.
    pub(crate) first: Timestamp,
    /// The last.
    pub(crate) last: Timestamp,
    /// What the chart and the table are about.
    pub(crate) measure: Measure,
    /// The same if it was asked for, and is to be kept.
    pub(crate) chosen: Option<Measure>,
    /// What they can be about.
    pub(crate) measures: Vec<Measure>,
    /// How much it was, all together.
    pub(crate) total: String,
    /// What there was some of.
    pub(crate) kinds: Vec<KindUsage>,
    /// The kinds that the table has a column for.
    pub(crate) columns: Vec<UsageKind>,
    /// How much it was, by days or weeks, the latest first.
    pub(crate) lines: Vec<UsageLine>,
    /// The same as a picture, if it was anything.
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

/// How much it was on some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsageLine {
    /// The first of the days.
    pub(crate) first: Timestamp,
    /// The last, if there is more than one.
    pub(crate) last: Option<Timestamp>,
    /// Of each kind, in the order of the columns.
    pub(crate) amounts: Vec<String>,
    /// All together.
    pub(crate) total: String,
}

/// A chart, with the texts beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chart {
    /// The picture, as markup of ours.
    pub(crate) svg: String,
    /// What its height stands for, the topmost first.
    pub(crate) scale: Vec<String>,
    /// The days it is about: the first, one in the middle, the last.
    pub(crate) days: [Timestamp; 3],
}

/// What was used in a project in the last 7, 30 or 90 days; empty for 30. `measure` is `cost` or a unit's code; empty
/// for the first that there was some of.
#[server(endpoint = "usage", input = GetUrl)]
pub(crate) async fn usage(
    project: String,
    #[server(default)] days: String,
    #[server(default)] measure: String,
) -> Result<UsagePage, Problem> {
    let (context, _) = signed_in()?;
    let principal = context.principal();
    let slug = slug(&project)?;
    let range = choice(&days)?.unwrap_or_default();
    let chosen = choice(&measure)?;
    let report = context.directory.usage(&principal, &slug, range).await?;
    Ok(page(report, range, chosen))
}

#[cfg(feature = "ssr")]
const DAY: i64 = 86_400;
/// In seconds.
#[cfg(feature = "ssr")]
const TENTH_OF_AN_HOUR: u64 = 360;

/// Days to a line of the table: a quarter is read week by week.
#[cfg(feature = "ssr")]
const fn days_to_a_line(range: UsageRange) -> usize {
    match range {
        UsageRange::Week | UsageRange::Month => 1,
        UsageRange::Quarter => 7,
    }
}

/// What is shown, and what can be: what there was some of, and what was chosen. Who has machines of their own pays
/// nothing for them, and then looks at how much they were used.
#[cfg(feature = "ssr")]
fn measures(sums: &[UsageSum], chosen: Option<Measure>) -> (Measure, Vec<Measure>) {
    let has_some = |measure: Measure| sums.iter().any(|sum| measure.of(sum).is_some_and(|amount| amount > 0));
    let shown = chosen
        .or_else(|| Measure::all().find(|one| has_some(*one)))
        .unwrap_or_default();
    let measures = Measure::all().filter(|one| *one == shown || has_some(*one));
    (shown, measures.collect())
}

/// The kinds that have to do with a measure.
#[cfg(feature = "ssr")]
fn kinds(sums: &[UsageSum], measure: Measure) -> Vec<UsageKind> {
    let has = |kind: UsageKind| sums.iter().any(|sum| sum.kind == kind && measure.of(sum).is_some());
    UsageKind::ALL.iter().copied().filter(|kind| has(*kind)).collect()
}

#[cfg(feature = "ssr")]
fn page(report: UsageReport, range: UsageRange, chosen: Option<Measure>) -> UsagePage {
    let sums = report.sums.as_slice();
    let (measure, measures) = measures(sums, chosen);
    let columns = kinds(sums, measure);
    let first = report.first.midnight().assume_utc().unix_timestamp();
    let at = |nth: usize| Timestamp(first + DAY * i64::try_from(nth).unwrap_or_default());
    let count = usize::from(range.days());
    let mut days: Vec<Vec<(UsageKind, u64)>> = vec![Vec::new(); count];
    for sum in sums {
        let nth = usize::try_from((sum.day - report.first).whole_days()).unwrap_or(usize::MAX);
        if let (Some(day), Some(amount)) = (days.get_mut(nth), measure.of(sum)) {
            day.push((sum.kind, amount));
        }
    }
    let amount = |days: &[Vec<(UsageKind, u64)>], wanted: Option<UsageKind>| {
        let amounts = days.iter().flatten();
        amounts
            .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind))
            .fold(0_u64, |sum, (_, amount)| sum.saturating_add(*amount))
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
            amounts: columns
                .iter()
                .map(|kind| measure.figure(amount(some, Some(*kind))))
                .collect(),
            total: measure.figure(amount(some, None)),
        });
        end = begin;
    }
    let total = measure.text(amount(&days, None));
    let chart = chart(&days, measure, &total, at);
    UsagePage {
        project: report.project.into(),
        range,
        first: at(0),
        last: at(count - 1),
        measure,
        chosen,
        measures,
        // All of them, whatever the chart is about.
        kinds: kinds(sums, Measure::Cost)
            .into_iter()
            .map(|kind| KindUsage {
                kind,
                quantity: quantity(sums, kind),
                cost: cost(sums, kind),
            })
            .collect(),
        total,
        columns,
        lines,
        chart,
    }
}

#[cfg(feature = "ssr")]
fn chart(
    days: &[Vec<(UsageKind, u64)>],
    measure: Measure,
    total: &str,
    at: impl Fn(usize) -> Timestamp,
) -> Option<Chart> {
    let sum = |day: &Vec<(UsageKind, u64)>| day.iter().fold(0_u64, |sum, (_, amount)| sum.saturating_add(*amount));
    let amounts = days.iter().map(sum);
    let (highest, most) = amounts.enumerate().max_by_key(|(_, amount)| *amount)?;
    let last = days.len() - 1;
    let title = format!("{} per day, by kind", measure.label());
    let description = format!(
        "From {} to {}. The most on one day was {}, on {}; all together it was {total}. The table has the same \
         numbers.",
        utc_day(at(0)),
        utc_day(at(last)),
        measure.text(most),
        utc_day(at(highest)),
    );
    let drawn = chart::bars(days, measure.grain(), (&title, &description), |nth| {
        let amount = days.get(nth).map_or(0, sum);
        format!("{}: {}", utc_day(at(nth)), measure.text(amount))
    })?;
    Some(Chart {
        svg: drawn.svg,
        scale: drawn.scale.into_iter().map(|amount| measure.mark(amount)).collect(),
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
        Some(Measure::Quantity(unit).text(amount))
    };
    let parts: Vec<_> = UsageUnit::ALL.iter().filter_map(|unit| in_unit(*unit)).collect();
    parts.join(", ")
}

/// What a kind cost.
#[cfg(feature = "ssr")]
fn cost(sums: &[UsageSum], kind: UsageKind) -> String {
    let costs = sums.iter().filter(|sum| sum.kind == kind).map(|sum| sum.cost_micros);
    dollars(costs.fold(0, u64::saturating_add))
}

/// Seconds in hours: in tenths where those are few, so that half an hour isn't nought. None that isn't over is counted.
#[cfg(feature = "ssr")]
fn hours(seconds: u64) -> String {
    let tenths = seconds / TENTH_OF_AN_HOUR;
    if tenths == 0 && seconds > 0 {
        return "<0.1".to_owned();
    }
    if tenths < 100 && !tenths.is_multiple_of(10) {
        return format!("{}.{}", tenths / 10, tenths % 10);
    }
    grouped(tenths / 10)
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

    #[test]
    fn hours_are_read_to_the_tenth_where_they_are_few() {
        for (seconds, text) in [
            (0, "0"),
            (1, "<0.1"),
            (359, "<0.1"),
            (360, "0.1"),
            (59 * 60, "0.9"),
            (3_600, "1"),
            (2 * 3_600 + 1_800, "2.5"),
            (10 * 3_600 - 1, "9.9"),
            (10 * 3_600 + 1_800, "10"),
            (1_234_567 * 3_600 + 3_599, "1,234,567"),
        ] {
            assert_eq!(hours(seconds), text);
        }
    }

    const HOURS: Measure = Measure::Quantity(UsageUnit::GpuSeconds);
    const TOKENS: Measure = Measure::Quantity(UsageUnit::Tokens);

    fn sum(kind: UsageKind, unit: UsageUnit, quantity: u64, cost_micros: u64) -> UsageSum {
        UsageSum {
            day: time::Date::MIN,
            kind,
            unit,
            quantity,
            cost_micros,
        }
    }

    #[test]
    fn cost_is_shown_unless_nothing_cost_anything() {
        let cluster = sum(UsageKind::Cluster, UsageUnit::GpuSeconds, 7_200, 0);
        let model = sum(UsageKind::Model, UsageUnit::Tokens, 5, 0);
        let paid = sum(UsageKind::Volume, UsageUnit::GibHours, 0, 1);
        assert_eq!(measures(&[model, cluster], None), (HOURS, vec![HOURS, TOKENS]));
        assert_eq!(
            measures(&[model, paid], None),
            (Measure::Cost, vec![Measure::Cost, TOKENS])
        );
        // What was chosen stays, though there is none of it.
        assert_eq!(measures(&[cluster], Some(TOKENS)), (TOKENS, vec![HOURS, TOKENS]));
        assert_eq!(measures(&[], None), (Measure::Cost, vec![Measure::Cost]));
    }

    #[test]
    fn a_kind_has_to_do_with_its_units_and_with_cost() {
        let sums = [
            sum(UsageKind::Model, UsageUnit::Tokens, 5, 0),
            sum(UsageKind::Cluster, UsageUnit::GpuSeconds, 7_200, 0),
        ];
        assert_eq!(kinds(&sums, HOURS), [UsageKind::Cluster]);
        assert_eq!(kinds(&sums, Measure::Cost), [UsageKind::Cluster, UsageKind::Model]);
        assert_eq!(quantity(&sums, UsageKind::Cluster), "2 GPU hours");
        assert_eq!(quantity(&sums, UsageKind::Model), "5 tokens");
    }

    #[test]
    fn a_measure_is_known_by_its_code() {
        for measure in Measure::all() {
            assert_eq!(measure.code().parse(), Ok(measure));
        }
        assert_eq!("gpu_hours".parse::<Measure>(), Err(Unknown));
        // Its lines stand at round numbers of what people reckon in.
        assert_eq!(HOURS.mark(5_400), "1.5");
        assert_eq!(TOKENS.mark(2_000), "2,000");
        assert_eq!(Measure::Cost.mark(2_000_000), "$2");
    }
}
