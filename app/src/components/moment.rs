//! Dates and times: in UTC as the page is made, in the reader's own time zone once the browser can tell (N4).

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::api::Moment;

/// An instant. Shows the day; day, time and UTC are at hand in its tooltip.
#[component]
pub(crate) fn MomentText(
    /// The instant.
    #[prop(into)]
    at: Signal<Moment>,
    /// Whether it stands for a day that was chosen in UTC, and means that day everywhere.
    #[prop(optional)]
    is_utc_day: bool,
    /// Whether the time of the day is shown as well.
    #[prop(optional)]
    with_time: bool,
) -> impl IntoView {
    let is_local = RwSignal::new(false);
    // Only after hydration, so that the browser's first copy of the page is the server's.
    Effect::new(move |_| is_local.set(!is_utc_day));
    let day = move || match (is_local.get(), with_time) {
        (true, true) => format!("{}, {}", local_day(at.get()), local_time(at.get())),
        (true, false) => local_day(at.get()),
        (false, true) => utc(at.get()),
        (false, false) => utc_day(at.get()),
    };
    view! {
        <time datetime=move || machine(at.get()) title=move || utc(at.get())>
            {day}
        </time>
    }
}

fn parts(at: Moment) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// RFC 3339, UTC.
fn machine(at: Moment) -> String {
    let at = parts(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// The day, in UTC: what `<input type=date>` takes.
pub(crate) fn input_day(at: Moment) -> String {
    machine(at).chars().take(10).collect()
}

/// The day, in UTC, as a person reads it.
pub(crate) fn utc_day(at: Moment) -> String {
    let at = parts(at);
    format!("{} {} {}", at.day(), month(at), at.year())
}

fn utc(at: Moment) -> String {
    let at = parts(at);
    format!(
        "{} {} {}, {:02}:{:02} UTC",
        at.day(),
        month(at),
        at.year(),
        at.hour(),
        at.minute()
    )
}

fn month(at: OffsetDateTime) -> String {
    at.month().to_string().chars().take(3).collect()
}

/// The instant, where the reader is.
#[cfg(feature = "hydrate")]
fn local(at: Moment) -> js_sys::Date {
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript counts time in doubles; exact for 285,000 years"
    )]
    js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64 * 1000.0))
}

/// The day, where the reader is.
#[cfg(feature = "hydrate")]
fn local_day(at: Moment) -> String {
    let date = local(at);
    let Ok(month) = time::Month::try_from(u8::try_from(date.get_month() + 1).unwrap_or(1)) else {
        return utc_day(at);
    };
    let month: String = month.to_string().chars().take(3).collect();
    format!("{} {month} {}", date.get_date(), date.get_full_year())
}

/// The time of the day, where the reader is.
#[cfg(feature = "hydrate")]
fn local_time(at: Moment) -> String {
    let date = local(at);
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

#[cfg(not(feature = "hydrate"))]
fn local_day(at: Moment) -> String {
    utc_day(at)
}

#[cfg(not(feature = "hydrate"))]
fn local_time(at: Moment) -> String {
    let at = parts(at);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N4
    #[test]
    fn an_instant_reads_as_a_day_a_minute_and_rfc_3339() {
        let at = Moment(1_795_442_400);
        assert_eq!(machine(at), "2026-11-23T14:00:00Z");
        assert_eq!(utc_day(at), "23 Nov 2026");
        assert_eq!(utc(at), "23 Nov 2026, 14:00 UTC");
        assert_eq!(input_day(at), "2026-11-23");
    }
}
