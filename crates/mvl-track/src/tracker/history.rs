//! All points of a metric.

use super::Tracker;
use super::read_runs::number;
use super::runs::no_run;
use crate::again::again;
use crate::database::Connection;
use crate::filter::page_size;
use crate::limits;
use crate::sql::{Row, Sql};
use crate::{Metric, Page, Result, TrackError};

impl Tracker {
    /// A metric's points, by time, then step, then value. Without `max_results`, all of them.
    ///
    /// # Errors
    /// When the run is missing or the token is none of ours.
    pub async fn metric_history(
        &self,
        run_id: &str,
        key: &str,
        max_results: Option<u32>,
        page_token: Option<&str>,
    ) -> Result<Page<Metric>> {
        again!(self.database, {
            let size = max_results.map(|size| page_size(size, u32::MAX)).transpose()?;
            let after = page_token.filter(|token| !token.is_empty()).map(Place::from_token).transpose()?;
            let mut read = self.database.read().await?;
            let run = run_number(&mut read, run_id).await?.ok_or_else(|| no_run(run_id))?;
            let Some(key_id) = key_number(&mut read, key).await? else {
                return Ok(Page { items: Vec::new(), next_page_token: None });
            };
            let mut select = Sql::new("SELECT step, timestamp, value, is_nan FROM metrics WHERE run_id = ");
            select.bind(run).push(" AND key_id = ").bind(key_id);
            if let Some(Place { timestamp, step, value, is_nan }) = after {
                select.push(" AND (timestamp, step, value, is_nan) > (").bind(timestamp).push(", ").bind(step);
                select.push(", ").bind(value).push(", ").bind(is_nan).push(")");
            }
            select.push(" ORDER BY timestamp, step, value, is_nan");
            if let Some(size) = size {
                select.push(" LIMIT ").bind(size.saturating_add(1));
            }
            let mut rows = select.fetch_all(&mut read).await?;
            let size = size.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
            let more = rows.len() > size;
            rows.truncate(size);
            let next_page_token = rows.last().filter(|_| more).map(Place::of).transpose()?.map(|place| place.token());
            let items = rows.iter().map(|row| point(row, key, run_id)).collect::<Result<_>>()?;
            Ok(Page { items, next_page_token })
        })
    }

    /// A metric's points in several runs, by run id, then time, step and value; at most `max_results`. Missing runs have none.
    ///
    /// # Errors
    /// When there are too many runs.
    pub async fn metric_history_bulk(&self, run_ids: &[String], key: &str, max_results: u32) -> Result<Vec<Metric>> {
        again!(self.database, {
            let size = page_size(max_results, limits::HISTORY_RESULTS)?;
            let mut read = self.database.read().await?;
            let Some(key_id) = key_number(&mut read, key).await? else { return Ok(Vec::new()) };
            let mut run_ids: Vec<_> = run_ids.iter().map(|id| &**id).collect();
            run_ids.sort_unstable();
            run_ids.dedup();
            let mut points = Vec::new();
            for run_id in run_ids {
                let left = size - i64::try_from(points.len()).unwrap_or(size);
                if left <= 0 {
                    break;
                }
                let Some(run) = run_number(&mut read, run_id).await? else { continue };
                let mut select = Sql::new("SELECT step, timestamp, value, is_nan FROM metrics WHERE run_id = ");
                select.bind(run).push(" AND key_id = ").bind(key_id);
                select.push(" ORDER BY timestamp, step, value, is_nan LIMIT ").bind(left);
                for row in select.fetch_all(&mut read).await? {
                    points.push(point(&row, key, run_id)?);
                }
            }
            Ok(points)
        })
    }
}

/// A point from step, timestamp, value and NaN's flag.
pub(super) fn point(row: &Row, key: &str, run_id: &str) -> Result<Metric> {
    let mut metric = Metric::new(key, number(row.real(2)?, row.int(3)?), row.int(1)?, row.int(0)?);
    metric.run_id = Some(run_id.to_owned());
    Ok(metric)
}

/// A run's number, deleted or not.
pub(super) async fn run_number(read: &mut Connection, run_id: &str) -> Result<Option<i64>> {
    let row = Sql::new("SELECT id FROM runs WHERE run_uuid = ").bind(run_id).fetch_optional(read).await?;
    row.map(|row| row.int(0)).transpose()
}

/// A metric's number.
pub(super) async fn key_number(read: &mut Connection, key: &str) -> Result<Option<i64>> {
    let row = Sql::new("SELECT id FROM metric_keys WHERE name = ").bind(key).fetch_optional(read).await?;
    row.map(|row| row.int(0)).transpose()
}

/// The last point of a page; the next page begins behind it, whatever is logged meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    timestamp: i64,
    step: i64,
    value: f64,
    is_nan: i64,
}

impl Place {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self { step: row.int(0)?, timestamp: row.int(1)?, value: row.real(2)?, is_nan: row.int(3)? })
    }

    fn token(self) -> String {
        format!("mvl_{}_{}_{:x}_{}", self.timestamp, self.step, self.value.to_bits(), self.is_nan)
    }

    fn from_token(token: &str) -> Result<Self> {
        let parts: Vec<_> = token.split('_').collect();
        let place = match parts.as_slice() {
            ["mvl", timestamp, step, value, is_nan] => (|| {
                let value = f64::from_bits(u64::from_str_radix(value, 16).ok()?);
                Some(Self {
                    timestamp: timestamp.parse().ok()?,
                    step: step.parse().ok()?,
                    value,
                    is_nan: is_nan.parse().ok()?,
                })
            })(),
            _ => None,
        };
        let place = place.filter(|place| !place.value.is_nan());
        place.ok_or_else(|| TrackError::invalid(format!("Invalid page token {token:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_were_written() {
        for value in [0.0, -1.5, f64::INFINITY, f64::MIN_POSITIVE] {
            let place = Place { timestamp: 5, step: -3, value, is_nan: 0 };
            assert_eq!(Place::from_token(&place.token()).expect("ours"), place);
        }
        for bad in ["", "mvl", "mvl_1_2_zz_0", "mvl_1_2_7ff8000000000000_0", "mvl_1_2_0_0_0"] {
            Place::from_token(bad).expect_err(bad);
        }
    }
}
