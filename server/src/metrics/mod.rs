//! Metrics for Prometheus (U1): what is counted while requests are answered, and the answer to a scrape.
//!
//! Owns the names of metrics and their labels. It must not know what a request is about. A label is never a name, an id
//! or an address: its value comes from a closed set (routes, statuses, reasons, limits, pools), so that strangers can
//! neither read people's data there nor fill the memory with series.

mod count;
mod process;
mod routes;
mod scrape;
mod series;

pub use count::Metrics;
pub(crate) use count::measure;
pub(crate) use scrape::{Scraped, router};
