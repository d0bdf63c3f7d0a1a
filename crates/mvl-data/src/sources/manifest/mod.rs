//! Manifests: files that list images with what is known about them, in CSV, JSON Lines or Parquet.
//!
//! CSV is what people have; JSON Lines with a [`ManifestHeader`] is the project's own form, which ingestion writes; Parquet holds the
//! same rows. All become a [`ManifestFile`], which [`Manifest`] serves as a data set.

mod csv_rows;
mod dataset;
mod file;
mod json_lines;
#[cfg(feature = "parquet")]
mod parquet_claims;
#[cfg(feature = "parquet")]
mod parquet_rows;
#[cfg(feature = "parquet")]
mod parquet_structures;
mod row;

pub use csv_rows::parse_csv_manifest;
pub use dataset::Manifest;
pub use file::{ManifestFile, ManifestHeader};
pub use json_lines::{parse_json_lines_manifest, write_json_lines_manifest};
#[cfg(feature = "parquet")]
pub use parquet_rows::{parse_parquet_manifest, write_parquet_manifest};
pub use row::{ManifestRow, RowClass, RowMask, RowObject, RowRegion, RowWeight, ShardPlace};

pub(super) use row::unknown_class;
