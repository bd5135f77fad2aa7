//! Icons: drawn on a grid of 16, in the colour of the text. They always stand beside a text or a label, so they are
//! hidden from screen readers.

use leptos::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Alert,
    Building,
    Chart,
    Check,
    ChevronUpDown,
    Close,
    Disk,
    Folder,
    Gauge,
    Gear,
    Info,
    Key,
    Layers,
    Leave,
    Mail,
    Nodes,
    Page,
    People,
    Person,
    Plug,
    Plus,
    Screen,
    Search,
    Shield,
    SortDown,
    SortUp,
}

#[component]
pub(crate) fn Icon(sign: Sign) -> impl IntoView {
    let path = match sign {
        Sign::Alert => "M8 2.2 14.4 13.4H1.6L8 2.2ZM8 6.4v3.2M8 11.5v.1",
        Sign::Building => {
            "M3 13.8V3.2c0-.6.4-1 1-1h5c.6 0 1 .4 1 1v10.6M10 6.6h2.2c.5 0 .8.3.8.8v6.4M1.6 13.8h12.8M5.4 5.2h2.2M5.4 \
             7.8h2.2M5.4 10.4h2.2"
        }
        Sign::Chart => "M2.4 2.4v11.2h11.2M5.4 10.8V8M8.4 10.8V4.6M11.4 10.8V6.8",
        Sign::Check => "m3 8.5 3.2 3.2L13 4.8",
        Sign::ChevronUpDown => "m5 6 3-3 3 3M5 10l3 3 3-3",
        Sign::Close => "m4 4 8 8M12 4l-8 8",
        Sign::Disk => {
            "M8 6.2c3.2 0 5.6-.9 5.6-2.1S11.2 2 8 2s-5.6.9-5.6 2.1S4.8 6.2 8 6.2ZM2.4 4.2v7.6C2.4 13 4.8 14 8 \
             14s5.6-1 5.6-2.2V4.2M2.4 8c0 1.2 2.4 2.2 5.6 2.2s5.6-1 5.6-2.2"
        }
        Sign::Folder => {
            "M1.8 4.2c0-.7.5-1.2 1.2-1.2h3l1.6 1.8H13c.7 0 1.2.5 1.2 1.2v5.8c0 .7-.5 1.2-1.2 1.2H3c-.7 \
             0-1.2-.5-1.2-1.2V4.2Z"
        }
        Sign::Gauge => "M3.4 13a6.2 6.2 0 1 1 9.2 0M8 9.4l2.8-3.6M8 10.4a1 1 0 1 0 0-2 1 1 0 0 0 0 2Z",
        Sign::Gear => {
            "M8 10.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM8 1.6v1.8M8 12.6v1.8M1.6 8h1.8M12.6 8h1.8M3.5 3.5l1.2 \
             1.2M11.3 11.3l1.2 1.2M12.5 3.5l-1.2 1.2M4.7 11.3l-1.2 1.2"
        }
        Sign::Info => "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM8 7.4v3.6M8 5.1v.1",
        Sign::Key => "M5.4 13.6a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM7.6 8.4 13.4 2.6M10.8 5.2l2 2M12.2 3.8l1.4 1.4",
        Sign::Layers => "m8 2 6 3.2-6 3.2-6-3.2L8 2ZM2 8.2l6 3.2 6-3.2M2 11l6 3.2 6-3.2",
        Sign::Mail => {
            "M2 4.2c0-.6.4-1 1-1h10c.6 0 1 .4 1 1v7.6c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1V4.2ZM2.2 4.4 8 8.8l5.8-4.4"
        }
        Sign::Nodes => {
            "M2.4 3.4c0-.5.4-.9.9-.9h9.4c.5 0 .9.4.9.9v3c0 .5-.4.9-.9.9H3.3a.9.9 0 0 1-.9-.9v-3ZM2.4 \
             9.6c0-.5.4-.9.9-.9h9.4c.5 0 .9.4.9.9v3c0 .5-.4.9-.9.9H3.3a.9.9 0 0 1-.9-.9v-3ZM5 4.9h.1M5 11.1h.1"
        }
        Sign::Page => "M3.6 2.8c0-.5.4-.9.9-.9h4.7l3.2 3.2v8.1c0 .5-.4.9-.9.9h-7a.9.9 0 0 1-.9-.9V2.8ZM9 2.1v3.2h3.2",
        Sign::Plug => "M5.6 2v3.2M10.4 2v3.2M4 5.2h8v2.4a4 4 0 0 1-8 0V5.2ZM8 11.6V14",
        Sign::Screen => {
            "M1.8 3.6c0-.6.4-1 1-1h10.4c.6 0 1 .4 1 1v6.2c0 .6-.4 1-1 1H2.8c-.6 0-1-.4-1-1V3.6ZM5.4 13.4h5.2M8 10.8v2.6"
        }
        Sign::People => {
            "M6 7.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM1.4 13.6c.3-2.4 2.2-3.9 4.6-3.9s4.3 1.5 4.6 3.9M10.6 \
             2.7a2.5 2.5 0 0 1 0 4.7M12 10c1.5.5 2.4 1.8 2.6 3.6"
        }
        Sign::Person => "M8 7.6a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM2.8 13.8c.4-2.5 2.5-4 5.2-4s4.8 1.5 5.2 4",
        Sign::Plus => "M8 3v10M3 8h10",
        Sign::Search => "M7 11.6a4.6 4.6 0 1 0 0-9.2 4.6 4.6 0 0 0 0 9.2ZM10.4 10.4l3.4 3.4",
        Sign::Shield => "M8 1.8 13.2 4v3.6c0 3.1-2.1 5.5-5.2 6.6-3.1-1.1-5.2-3.5-5.2-6.6V4L8 1.8Z",
        Sign::Leave => "M6.2 2.4H3.4c-.6 0-1 .4-1 1v9.2c0 .6.4 1 1 1h2.8M10.4 11.2 13.6 8l-3.2-3.2M13.4 8H6",
        Sign::SortDown => "M8 3v10M4.5 9.5 8 13l3.5-3.5",
        Sign::SortUp => "M8 13V3M4.5 6.5 8 3l3.5 3.5",
    };
    view! {
        <svg
            class="icon"
            viewBox="0 0 16 16"
            width="16"
            height="16"
            fill="none"
            stroke="currentColor"
            aria-hidden="true"
        >
            <path d=path></path>
        </svg>
    }
}
