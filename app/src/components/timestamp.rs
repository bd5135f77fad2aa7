//! Dates and times: in UTC in the server's page, in the reader's time zone once the browser has it (N4).

use leptos::prelude::*;
use time::OffsetDateTime;

use super::written::Written;
use crate::{api::Timestamp, markup::Markup};

/// What is shown of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Its day.
    Day,
    /// Its day and its time.
    Minute,
    /// The day it stands for, which was chosen in UTC: it is shown in UTC everywhere.
    UtcDay,
}

/// Whose time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Zone {
    /// UTC, in the page that the server renders.
    #[default]
    Utc,
    /// The reader's.
    Local,
}

impl Zone {
    /// The reader's zone, once the page is theirs: the browser's first rendering must equal the server's.
    pub(crate) fn follow() -> ReadSignal<Self> {
        let (zone, set_zone) = signal(Self::Utc);
        Effect::new(move |_| set_zone.set(Self::Local));
        zone
    }
}

/// Writes an instant. Its tooltip has day, time and UTC, which also appear beside it when it has the focus: an instant
/// with its time is a stop of the Tab key, a day is not, so that a list has no more stops than buttons (N4).
pub(crate) fn write_time(out: &mut Markup, at: Timestamp, shown: Shown, zone: Zone) {
    let text = match (shown, zone) {
        (Shown::UtcDay, _) => format!("{} UTC", utc_day(at)),
        (Shown::Day, Zone::Utc) => utc_day(at),
        (Shown::Day, Zone::Local) => local_day(at),
        (Shown::Minute, Zone::Utc) => utc(at),
        (Shown::Minute, Zone::Local) => format!("{}, {}", local_day(at), local_time(at)),
    };
    let tag = out.open("time").attribute("datetime", &machine(at));
    let stop = match shown {
        Shown::UtcDay => None,
        Shown::Day => Some("-1"),
        Shown::Minute => Some("0"),
    };
    match stop {
        Some(stop) => drop(tag.attribute("title", &utc(at)).attribute("tabindex", stop)),
        None => drop(tag),
    }
    out.text(&text).raw("</time>");
}

/// An instant: shows the day.
#[component]
pub(crate) fn TimestampText(
    #[prop(into)] at: Signal<Timestamp>,
    /// Whether it stands for a day that was chosen in UTC: then it is shown in UTC everywhere.
    #[prop(optional)]
    is_utc_day: bool,
    /// Whether to show the time of day as well.
    #[prop(optional)]
    with_time: bool,
) -> impl IntoView {
    let zone = Zone::follow();
    let shown = match (is_utc_day, with_time) {
        (true, _) => Shown::UtcDay,
        (false, true) => Shown::Minute,
        (false, false) => Shown::Day,
    };
    view! { <Written write=Box::new(move |out| write_time(out, at.get(), shown, zone.get()))/> }
}

/// A day in UTC, for a page that says that all its days are.
#[component]
pub(crate) fn DayText(at: Timestamp) -> impl IntoView {
    view! { <time datetime=input_day(at)>{utc_day(at)}</time> }
}

fn parts(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Formats an instant by RFC 3339, in UTC.
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

/// Returns the day in UTC, as `<input type=date>` takes it.
pub(crate) fn input_day(at: Timestamp) -> String {
    machine(at).chars().take(10).collect()
}

/// Returns the day in UTC, as people read it.
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

/// Returns the instant as the browser's own date.
#[cfg(feature = "hydrate")]
fn local(at: Timestamp) -> js_sys::Date {
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript counts time in doubles; exact for 285,000 years"
    )]
    js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64 * 1000.0))
}

/// Returns the day in the reader's time zone.
#[cfg(feature = "hydrate")]
fn local_day(at: Timestamp) -> String {
    let date = local(at);
    let Ok(month) = time::Month::try_from(u8::try_from(date.get_month() + 1).unwrap_or(1)) else {
        return utc_day(at);
    };
    let month: String = month.to_string().chars().take(3).collect();
    format!("{} {month} {}", date.get_date(), date.get_full_year())
}

/// Returns the time in the reader's time zone, with the zone's name at that instant: "22:21 EST".
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

/// Returns an instant of the last day before an end that was chosen as the end of a day.
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
