//! Making metrics and adding them to a registry.

use prometheus::{
    Error, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, core::Collector,
};

/// Counters with these labels.
pub(super) fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

/// A histogram of times in seconds, with one label.
pub(super) fn seconds(name: &str, help: &str, label: &str, bounds: &[f64]) -> Result<HistogramVec, Error> {
    HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), &[label])
}

/// Adds a metric to a registry.
pub(super) fn register(registry: &Registry, metric: &(impl Collector + Clone + 'static)) -> Result<(), Error> {
    registry.register(Box::new(metric.clone()))
}

/// Gauges with these labels.
pub(super) fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

/// Adds a gauge with this value to a registry.
pub(super) fn gauge(now: &Registry, name: &str, help: &str, value: usize) -> Result<(), Error> {
    let gauge = IntGauge::new(name, help)?;
    gauge.set(whole(value));
    register(now, &gauge)
}

/// A count as a gauge has it.
pub(super) fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
