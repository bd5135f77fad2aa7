//! The answers that pages are made of, by what they were asked by. On the server they are there before the page is
//! rendered, and are written into it; in the browser they come with the page, or are asked for before another page is
//! opened. It must not know what an answer says, nor which page asks for what.

#[cfg(feature = "hydrate")]
mod browser;
mod page_state;
#[cfg(feature = "ssr")]
mod server;

#[cfg(feature = "hydrate")]
pub(crate) use browser::{ask, ask_ahead, decode, expire, first, is_fresh, last, wake};
pub(crate) use page_state::PageState;
#[cfg(feature = "ssr")]
pub(crate) use server::{Answers, first, page_state};
