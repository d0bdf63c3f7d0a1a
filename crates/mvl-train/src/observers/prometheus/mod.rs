//! A running job's figures for Prometheus, which comes and reads them (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! [`PrometheusExporter`] turns events into figures; a page shows them.

mod exporter;
mod figures;
mod page;

pub use exporter::PrometheusExporter;
