//! Charts, drawn on the server as SVG: the browser's program need not know how. Only numbers and texts of this program
//! go into one, never what somebody typed. Colours are classes, since the page's policy lets no style into it.

use std::fmt::Write;

use policy::UsageKind;

use crate::markup::escape;

/// A chart of bars, one for each day.
pub(crate) struct Bars {
    /// The picture.
    pub(crate) svg: String,
    /// The amount at each horizontal line, in the unit of the bars: from the top line down to zero.
    pub(crate) scale: Vec<u64>,
}

/// The most horizontal lines, without the one at zero.
const LINES: u64 = 4;
/// How wide a bar is with the gap beside it, and how high the picture; it is stretched to the page.
const WIDTH: usize = 10;
const HEIGHT: u64 = 100;
/// The least height of a slice with an amount above zero, in thousandths: a smaller one could not be seen.
const LEAST: u64 = 800;

/// Draws a bar of stacked amounts for each day; returns none if every amount is zero. `grain` is the least distance of
/// its lines; `about` is its title and its description; `day` returns the text of a day by its number.
pub(crate) fn bars(
    days: &[Vec<(UsageKind, u64)>],
    grain: u64,
    about: (&str, &str),
    day: impl Fn(usize) -> String,
) -> Option<Bars> {
    let most = days.iter().map(|day| sum(day)).max().filter(|most| *most > 0)?;
    let step = step(most, grain);
    let lines = most.div_ceil(step);
    let top = step.saturating_mul(lines);
    let mut svg = String::new();
    let width = days.len() * WIDTH;
    let (title, description) = (escape(about.0), escape(about.1));
    // Writing into a String doesn't fail.
    let _ = write!(
        svg,
        "<svg class=\"bars\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
            aria-labelledby=\"bars-title\" aria-describedby=\"bars-description\">\
            <title id=\"bars-title\">{title}</title>\
            <desc id=\"bars-description\">{description}</desc>"
    );
    for line in 0..=lines {
        let y = from_top(height(step.saturating_mul(line), top));
        let _ = write!(svg, r#"<path class="bars-line" d="M0 {y}H{width}"/>"#);
    }
    for (nth, amounts) in days.iter().enumerate() {
        let (begin, next) = (nth * WIDTH, (nth + 1) * WIDTH);
        let (left, right) = (begin + 1, next - 1);
        // As high as the picture, so that a day is found above its bar as well.
        let _ = write!(
            svg,
            r#"<g><title>{}</title><path class="bars-day" d="M{begin} 0H{next}V{HEIGHT}H{begin}Z"/>"#,
            escape(&day(nth))
        );
        let (mut below, mut end) = (0_u64, 0);
        for (kind, amount) in amounts.iter().filter(|(_, amount)| *amount > 0) {
            below = below.saturating_add(*amount);
            let bottom = from_top(end);
            end = height(below, top).max(end + LEAST);
            let _ = write!(
                svg,
                r#"<path class="usage-{}" d="M{left} {bottom}V{}H{right}V{bottom}Z"/>"#,
                kind.code(),
                from_top(end),
            );
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    Some(Bars {
        svg,
        scale: (0..=lines).rev().map(|line| step.saturating_mul(line)).collect(),
    })
}

fn sum(day: &[(UsageKind, u64)]) -> u64 {
    day.iter().fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
}

/// The distance between two lines: the least of 1, 2, 5, 10, 20 … grains with which [`LINES`] lines reach the amount.
fn step(most: u64, grain: u64) -> u64 {
    let mut power = grain.max(1);
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step.saturating_mul(LINES) >= most {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// How high something of this size is, in thousandths.
fn height(amount: u64, top: u64) -> u64 {
    let whole = u128::from(HEIGHT * 1000);
    let high = (u128::from(amount) * whole / u128::from(top.max(1))).min(whole);
    u64::try_from(high).unwrap_or_default()
}

/// How far from the top something of this height ends. The picture ends where the highest bar does, and slices that are
/// drawn higher than they are may go a little beyond it.
fn from_top(height: u64) -> String {
    let whole = HEIGHT * 1000;
    let (sign, far) = if height > whole {
        ("-", height - whole)
    } else {
        ("", whole - height)
    };
    format!("{sign}{}.{:03}", far / 1000, far % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_reaches_the_highest_bar() {
        for (most, grain, lines) in [
            (1, 1, vec![1, 0]),
            (4, 1, vec![4, 3, 2, 1, 0]),
            (5, 1, vec![6, 4, 2, 0]),
            (8_400_000_000, 1, vec![10_000_000_000, 5_000_000_000, 0]),
            // Seconds, at tenths of hours.
            (30, 360, vec![360, 0]),
            (7_200, 360, vec![7_200, 5_400, 3_600, 1_800, 0]),
            (50_000, 360, vec![54_000, 36_000, 18_000, 0]),
        ] {
            let days = [vec![(UsageKind::Cluster, most)]];
            let bars = bars(&days, grain, ("t", "d"), |_| String::new()).unwrap();
            assert!(bars.scale[0] >= most);
            assert_eq!(bars.scale, lines);
        }
    }

    #[test]
    fn bars_are_stacked_in_classes_and_nothing_else() {
        let days = [
            vec![(UsageKind::Cluster, 30), (UsageKind::Volume, 10)],
            vec![],
            vec![(UsageKind::Volume, 20)],
        ];
        let drawn = bars(&days, 1, ("Cost", "Words"), |nth| format!("day {nth}: <$0.01")).unwrap();
        assert_eq!(drawn.scale, [40, 30, 20, 10, 0]);
        assert!(
            drawn
                .svg
                .contains(r#"<path class="usage-cluster" d="M1 100.000V25.000H9V100.000Z"/>"#)
        );
        assert!(
            drawn
                .svg
                .contains(r#"<path class="usage-volume" d="M1 25.000V0.000H9V25.000Z"/>"#)
        );
        assert!(
            drawn
                .svg
                .contains(r#"<path class="usage-volume" d="M21 100.000V50.000H29V100.000Z"/>"#)
        );
        assert!(drawn.svg.contains("<g><title>day 1: &lt;$0.01</title>"));
        assert!(!drawn.svg.contains("style"));
        assert_eq!(drawn.svg.matches("<path class=\"usage").count(), 3);
    }

    /// Next to much, little was not seen.
    #[test]
    fn a_thin_slice_has_a_least_height() {
        let days = [vec![(UsageKind::Cluster, 1_000_000), (UsageKind::Volume, 1)]];
        let drawn = bars(&days, 1, ("t", "d"), |_| String::new()).unwrap();
        assert_eq!(drawn.scale[0], 1_500_000);
        assert!(
            drawn
                .svg
                .contains(r#"<path class="usage-volume" d="M1 33.334V32.534H9V33.334Z"/>"#)
        );
        let full = [
            vec![(UsageKind::Cluster, 39), (UsageKind::Volume, 1)],
            vec![(UsageKind::File, 40)],
        ];
        let drawn = bars(&full, 1, ("t", "d"), |_| String::new()).unwrap();
        assert!(!drawn.svg.contains("V-"));
    }

    #[test]
    fn nothing_used_is_no_chart_and_too_much_is_one() {
        let nothing = [vec![], vec![(UsageKind::Other, 0)]];
        assert!(bars(&nothing, 1, ("t", "d"), |_| String::new()).is_none());
        let most = bars(
            &[vec![(UsageKind::Other, u64::MAX), (UsageKind::File, u64::MAX)]],
            360,
            ("t", "d"),
            |_| String::new(),
        )
        .unwrap();
        assert!(most.svg.ends_with("</svg>"));
    }
}
