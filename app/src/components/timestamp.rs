//! Dates and times: in UTC as the page is made, in the reader's own time zone once the browser can tell (N4).

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::api::Timestamp;

/// An instant. Shows the day; day, time and UTC are at hand in its tooltip, and beside it once it has the focus: of
/// those with a time by the keyboard too, of days by pointing at them or touching them, so that a list has no more
/// stops than buttons (N4).
#[component]
pub(crate) fn TimestampText(
    /// The instant.
    #[prop(into)]
    at: Signal<Timestamp>,
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
    let text = move || match (is_local.get(), with_time) {
        (true, true) => format!("{}, {}", local_day(at.get()), local_time(at.get())),
        (true, false) => local_day(at.get()),
        (false, true) => utc(at.get()),
        (false, false) if is_utc_day => format!("{} UTC", utc_day(at.get())),
        (false, false) => utc_day(at.get()),
    };
    let has_more = !is_utc_day;
    view! {
        <time
            datetime=move || machine(at.get())
            title=move || has_more.then(|| utc(at.get()))
            data-utc=move || has_more.then(|| utc(at.get()))
            tabindex=has_more.then_some(if with_time { "0" } else { "-1" })
        >
            {text}
        </time>
    }
}

/// A day of a page that says of all its days that they are in UTC.
#[component]
pub(crate) fn DayText(at: Timestamp) -> impl IntoView {
    view! { <time datetime=input_day(at)>{utc_day(at)}</time> }
}

fn parts(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// RFC 3339, UTC.
fn machine(at: Timestamp) -> String {
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
pub(crate) fn input_day(at: Timestamp) -> String {
    machine(at).chars().take(10).collect()
}

/// The day, in UTC, as a person reads it.
pub(crate) fn utc_day(at: Timestamp) -> String {
    let at = parts(at);
    format!("{} {} {}", at.day(), month(at), at.year())
}

fn utc(at: Timestamp) -> String {
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
fn local(at: Timestamp) -> js_sys::Date {
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript counts time in doubles; exact for 285,000 years"
    )]
    js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64 * 1000.0))
}

/// The day, where the reader is.
#[cfg(feature = "hydrate")]
fn local_day(at: Timestamp) -> String {
    let date = local(at);
    let Ok(month) = time::Month::try_from(u8::try_from(date.get_month() + 1).unwrap_or(1)) else {
        return utc_day(at);
    };
    let month: String = month.to_string().chars().take(3).collect();
    format!("{} {month} {}", date.get_date(), date.get_full_year())
}

/// The time of the day, where the reader is, and what the time is called there then: "22:21 EST".
#[cfg(feature = "hydrate")]
fn local_time(at: Timestamp) -> String {
    use js_sys::{Array, Intl::DateTimeFormat, Object, Reflect};

    let date = local(at);
    let options = Object::new();
    drop(Reflect::set(&options, &"timeZoneName".into(), &"short".into()));
    let parts = DateTimeFormat::new(&Array::new(), &options).format_to_parts(&date);
    let text = |part: &wasm_bindgen::JsValue, key: &str| Reflect::get(part, &key.into()).ok()?.as_string();
    let zone = parts
        .iter()
        .find(|part| text(part, "type").as_deref() == Some("timeZoneName"))
        .and_then(|part| text(&part, "value"));
    let (hours, minutes) = (date.get_hours(), date.get_minutes());
    match zone {
        Some(zone) => format!("{hours:02}:{minutes:02} {zone}"),
        None => format!("{hours:02}:{minutes:02}"),
    }
}

#[cfg(not(feature = "hydrate"))]
fn local_day(at: Timestamp) -> String {
    utc_day(at)
}

#[cfg(not(feature = "hydrate"))]
fn local_time(at: Timestamp) -> String {
    let at = parts(at);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// The last day of what ends at an instant that was chosen as the end of a day.
pub(crate) fn last_day(end: Timestamp) -> Timestamp {
    Timestamp(end.0 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N4
    #[test]
    fn an_instant_reads_as_a_day_a_minute_and_rfc_3339() {
        let at = Timestamp(1_795_442_400);
        assert_eq!(machine(at), "2026-11-23T14:00:00Z");
        assert_eq!(utc_day(at), "23 Nov 2026");
        assert_eq!(utc(at), "23 Nov 2026, 14:00 UTC");
        assert_eq!(input_day(at), "2026-11-23");
    }
}
