//! The server function of a project's usage and its cost. It sums and formats on the server, since the browser only
//! shows the texts.

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

/// What the chart and the table show. One measure at a time, since the units have no common scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    #[default]
    Cost,
    /// The quantity of what is counted in this unit.
    Quantity(UsageUnit),
}

impl Measure {
    /// Returns its code in the URL.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Quantity(unit) => unit.code(),
        }
    }

    /// Returns its label, as the beginning of a heading.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Cost => "Cost",
            // The unit that people calculate with.
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
    /// Returns all measures, in the order of the screen.
    fn all() -> impl Iterator<Item = Self> {
        let quantities = UsageUnit::ALL.iter().map(|unit| Self::Quantity(*unit));
        std::iter::once(Self::Cost).chain(quantities)
    }

    /// Returns the amount of this measure in a sum; `None` if the sum has another unit.
    fn of(self, sum: &UsageSum) -> Option<u64> {
        match self {
            Self::Cost => Some(sum.cost_micros),
            Self::Quantity(unit) => (sum.unit == unit).then_some(sum.quantity),
        }
    }

    /// Formats an amount without its unit, for a column whose heading names it.
    fn figure(self, amount: u64) -> String {
        match self {
            Self::Cost => dollars(amount),
            Self::Quantity(UsageUnit::GpuSeconds) => hours(amount),
            Self::Quantity(UsageUnit::GibHours | UsageUnit::Tokens | UsageUnit::Requests | UsageUnit::Bytes) => {
                grouped(amount)
            }
        }
    }

    /// Formats an amount with its unit.
    fn text(self, amount: u64) -> String {
        let figure = self.figure(amount);
        match self {
            Self::Cost => figure,
            Self::Quantity(UsageUnit::GpuSeconds) => format!("{figure} GPU hours"),
            Self::Quantity(unit) => format!("{figure} {}", unit.label()),
        }
    }

    /// Formats an amount for a line of the chart.
    fn mark(self, amount: u64) -> String {
        match self {
            Self::Cost => round_dollars(amount),
            Self::Quantity(_) => self.figure(amount),
        }
    }

    /// Returns the smallest distance between lines: a tenth of an hour, so that they are at round hours, or else one.
    const fn grain(self) -> u64 {
        match self {
            Self::Quantity(UsageUnit::GpuSeconds) => TENTH_OF_AN_HOUR,
            Self::Cost | Self::Quantity(_) => 1,
        }
    }
}

/// The usage of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsagePage {
    pub(crate) project: ProjectHead,
    /// The number of days it covers.
    pub(crate) range: UsageRange,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// What the chart and the table show.
    pub(crate) measure: Measure,
    /// The measure that the URL names, if any, for the links to keep.
    pub(crate) chosen: Option<Measure>,
    /// The measures to choose from.
    pub(crate) measures: Vec<Measure>,
    /// The sum of everything.
    pub(crate) total: String,
    /// The kinds that were used.
    pub(crate) kinds: Vec<KindUsage>,
    /// The kinds with a column in the table.
    pub(crate) columns: Vec<UsageKind>,
    /// The amounts by days or weeks, the latest first.
    pub(crate) lines: Vec<UsageLine>,
    /// The chart, if any amount is above zero.
    pub(crate) chart: Option<Chart>,
}

/// The usage of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KindUsage {
    pub(crate) kind: UsageKind,
    pub(crate) quantity: String,
    pub(crate) cost: String,
}

/// A row of the table: the amounts of a day or a week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsageLine {
    /// The first day.
    pub(crate) first: Timestamp,
    /// The last day, if there is more than one.
    pub(crate) last: Option<Timestamp>,
    /// The amount of each kind, in the order of the columns.
    pub(crate) amounts: Vec<String>,
    /// The sum of them.
    pub(crate) total: String,
}

/// A chart, with the texts beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chart {
    /// The SVG markup, which contains no text of users.
    pub(crate) svg: String,
    /// The labels of its horizontal lines, the topmost first.
    pub(crate) scale: Vec<String>,
    /// The first, the middle and the last day.
    pub(crate) days: [Timestamp; 3],
}

/// Returns the usage of a project in the last 7, 30 or 90 days; an empty `days` stands for 30. `measure` is `cost` or
/// a unit's code; if it is empty, the first one with an amount above zero is shown.
#[server(endpoint = "usage", input = GetUrl)]
pub(crate) async fn usage(
    project: String,
    #[server(default)] days: String,
    #[server(default)] measure: String,
) -> Result<UsagePage, Problem> {
    let (context, _, principal) = signed_in()?;
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

/// The number of days in a row of the table: a quarter is shown by weeks.
#[cfg(feature = "ssr")]
const fn days_to_a_line(range: UsageRange) -> usize {
    match range {
        UsageRange::Week | UsageRange::Month => 1,
        UsageRange::Quarter => 7,
    }
}

/// Returns the measure to show, and those to choose from: those with an amount above zero, and the chosen one. Whoever
/// owns the machines pays nothing for them, and sees quantities at first.
#[cfg(feature = "ssr")]
fn measures(sums: &[UsageSum], chosen: Option<Measure>) -> (Measure, Vec<Measure>) {
    let has_some = |measure: Measure| sums.iter().any(|sum| measure.of(sum).is_some_and(|amount| amount > 0));
    let shown = chosen
        .or_else(|| Measure::all().find(|one| has_some(*one)))
        .unwrap_or_default();
    let measures = Measure::all().filter(|one| *one == shown || has_some(*one));
    (shown, measures.collect())
}

/// Returns the kinds that have an amount of this measure.
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
    // From the last day backwards, so that the latest row is a whole week.
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
        // All kinds, whichever measure the chart shows.
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

/// Formats the quantity of a kind, in each of its units.
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

/// Formats the cost of a kind.
#[cfg(feature = "ssr")]
fn cost(sums: &[UsageSum], kind: UsageKind) -> String {
    let costs = sums.iter().filter(|sum| sum.kind == kind).map(|sum| sum.cost_micros);
    dollars(costs.fold(0, u64::saturating_add))
}

/// Formats seconds as hours; with tenths below 10 hours, so that half an hour isn't shown as 0. Rounds down, so that
/// only completed hours count.
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

/// Formats millionths of a US dollar, rounded to cents.
#[cfg(feature = "ssr")]
fn dollars(micros: u64) -> String {
    let cents = micros.saturating_add(5_000) / 10_000;
    if cents == 0 && micros > 0 {
        return "<$0.01".to_owned();
    }
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// Formats an amount for a line of the chart: without cents if there are none.
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
        // A chosen measure stays, even if its amounts are zero.
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
        // Its lines are at round numbers of the unit that people calculate with.
        assert_eq!(HOURS.mark(5_400), "1.5");
        assert_eq!(TOKENS.mark(2_000), "2,000");
        assert_eq!(Measure::Cost.mark(2_000_000), "$2");
    }
}
