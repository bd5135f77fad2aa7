//! Charts, drawn on the server as SVG: the browser's program need not know how. Numbers and words of ours alone go into one,
//! never what somebody typed. Colours are classes, since the page's policy lets no style into it.

use std::fmt::Write;

use policy::UsageKind;

/// A chart of bars, one for each day.
pub(crate) struct Bars {
    /// The picture.
    pub(crate) svg: String,
    /// What its height stands for, in millionths, at each of its lines: the topmost first, nought last.
    pub(crate) scale: Vec<u64>,
}

/// No more lines than these, beside nought.
const LINES: u64 = 4;
/// How wide a bar is with the gap beside it, and how high the picture; it is stretched to the page.
const WIDTH: usize = 10;
const HEIGHT: u128 = 100;

/// Draws bars of stacked costs; none if there are none. `about` is its title, and what it says in words.
pub(crate) fn bars(days: &[Vec<(UsageKind, u64)>], about: (&str, &str)) -> Option<Bars> {
    let most = days.iter().map(|day| sum(day)).max().filter(|most| *most > 0)?;
    let step = step(most);
    let lines = most.div_ceil(step);
    let top = step.saturating_mul(lines);
    let mut svg = String::new();
    let width = days.len() * WIDTH;
    let (title, description) = about;
    // Writing into a String doesn't fail.
    let _ = write!(
        svg,
        r#"<svg class="bars" viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" role="img" aria-labelledby="bars-title" aria-describedby="bars-description"><title id="bars-title">{title}</title><desc id="bars-description">{description}</desc>"#
    );
    for line in 0..=lines {
        let y = height(step.saturating_mul(line), top);
        let _ = write!(svg, r#"<path class="bars-line" d="M0 {y}H{width}"/>"#);
    }
    for (nth, day) in days.iter().enumerate() {
        let mut below = 0_u64;
        for (kind, cost) in day.iter().filter(|(_, cost)| *cost > 0) {
            let (bottom, end) = (height(below, top), height(below.saturating_add(*cost), top));
            let (left, right) = (nth * WIDTH + 1, (nth + 1) * WIDTH - 1);
            let _ = write!(
                svg,
                r#"<path class="usage-{}" d="M{left} {bottom}V{end}H{right}V{bottom}Z"/>"#,
                kind.code()
            );
            below = below.saturating_add(*cost);
        }
    }
    svg.push_str("</svg>");
    Some(Bars {
        svg,
        scale: (0..=lines).rev().map(|line| step.saturating_mul(line)).collect(),
    })
}

fn sum(day: &[(UsageKind, u64)]) -> u64 {
    day.iter().fold(0, |sum, (_, cost)| sum.saturating_add(*cost))
}

/// The least of 1, 2, 5, 10, 20 … that reaches so far in [`LINES`] steps.
fn step(most: u64) -> u64 {
    let mut power = 1_u64;
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

/// How far from the top something of this size ends, to the thousandth.
fn height(cost: u64, top: u64) -> String {
    let top = u128::from(top.max(1));
    let from_top = HEIGHT * 1000 - (u128::from(cost) * HEIGHT * 1000 / top).min(HEIGHT * 1000);
    format!("{}.{:03}", from_top / 1000, from_top % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_reaches_the_highest_bar() {
        for (most, lines) in [
            (1, vec![1, 0]),
            (4, vec![4, 3, 2, 1, 0]),
            (5, vec![6, 4, 2, 0]),
            (
                8_400_000_000,
                vec![
                    10_000_000_000,
                    8_000_000_000,
                    6_000_000_000,
                    4_000_000_000,
                    2_000_000_000,
                    0,
                ],
            ),
        ] {
            let bars = bars(&[vec![(UsageKind::Cluster, most)]], ("t", "d")).unwrap();
            assert!(bars.scale[0] >= most);
            if lines.len() <= 5 {
                assert_eq!(bars.scale, lines);
            }
        }
    }

    #[test]
    fn bars_are_stacked_in_classes_and_nothing_else() {
        let days = [
            vec![(UsageKind::Cluster, 30), (UsageKind::Volume, 10)],
            vec![],
            vec![(UsageKind::Volume, 20)],
        ];
        let drawn = bars(&days, ("Cost", "Words")).unwrap();
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
        assert!(!drawn.svg.contains("style"));
        assert_eq!(drawn.svg.matches("<path class=\"usage").count(), 3);
    }

    #[test]
    fn nothing_used_is_no_chart_and_too_much_is_one() {
        assert!(bars(&[vec![], vec![(UsageKind::Other, 0)]], ("t", "d")).is_none());
        let most = bars(
            &[vec![(UsageKind::Other, u64::MAX), (UsageKind::File, u64::MAX)]],
            ("t", "d"),
        )
        .unwrap();
        assert!(most.svg.ends_with("</svg>"));
    }
}
