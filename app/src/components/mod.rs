//! The console's own small, accessible components, over the browser's dialog, popover and details.
//!
//! Owns how things look and are operated on every screen. Must not know what a screen is about. The files of this room
//! import each other directly; the names below are for the others.

mod avatar;
mod badge;
mod button_link;
mod copy_field;
mod dialog;
mod field;
mod form;
mod icon;
mod list;
mod list_address;
mod listing;
mod menu;
mod notices;
mod page;
mod person;
mod problem_screen;
mod row_menu;
#[cfg(feature = "hydrate")]
mod row_patch;
mod rows;
mod select;
mod session_notice;
mod timestamp;
mod username;
mod written;

pub(crate) use avatar::Avatar;
pub(crate) use badge::{Badge, Tone, write_badge};
pub(crate) use button_link::ButtonLink;
pub(crate) use copy_field::CopyField;
pub(crate) use dialog::{Dialog, DialogActions, forget_when_closed};
pub(crate) use field::{Confirmation, Field, form_error, form_problem};
pub(crate) use form::{FormSender, PostForm};
pub(crate) use icon::{Icon, Sign};
pub(crate) use list::{Filter, SearchForm, SortHeader};
pub(crate) use list_address::ListAddress;
pub(crate) use listing::{Empty, Listing};
pub(crate) use menu::{Menu, MenuExplanation, MenuForm, MenuLink, Popover};
pub(crate) use notices::NoticeRegion;
#[cfg(feature = "ssr")]
pub(crate) use page::RenderedTitle;
pub(crate) use page::{Arrived, DefaultProjectNotice, PageHeader, PageTitle};
pub(crate) use person::write_person;
pub(crate) use problem_screen::{NotFoundScreen, ProblemScreen};
pub(crate) use row_menu::{RowActionsDialog, RowMenu, RowMenuItems, write_menu_button};
pub(crate) use rows::Rows;
pub(crate) use select::SelectField;
pub(crate) use session_notice::SignedBanner;
#[cfg(feature = "ssr")]
pub(crate) use timestamp::utc_day;
pub(crate) use timestamp::{DayText, Shown, TimestampText, Zone, input_day, last_day, write_time};
pub(crate) use username::{OwnAddress, Username};
pub(crate) use written::Written;
