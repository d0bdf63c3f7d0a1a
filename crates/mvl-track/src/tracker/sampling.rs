//! A metric's curve in few points. The steps are cut into stretches of the same length; of each, the database answers the least, the
//! greatest and the last point, which is what a plot shows of it (compare Jugel et al., "M4: A Visualization-Oriented Time Series
//! Data Aggregation", VLDB 2014, <https://doi.org/10.14778/2732951.2732953>; their first point is left out). Points lie sorted by
//! step, so each stretch is read once for the least and once for the greatest, and no others.

use std::ops::RangeInclusive;

use super::Tracker;
use super::history::{key_number, point, run_number};
use crate::again::again;
use crate::database::Connection;
use crate::filter::page_size;
use crate::limits;
use crate::sql::{Row, Sql};
use crate::{Metric, Result, TrackError};

/// Points of a stretch.
const POINTS: i64 = 3;
/// Stretches that one statement asks for: each statement costs a way to the database and back.
const TOGETHER: usize = 48;

impl Tracker {
    /// A metric's curve in each of some runs, in at most `points` points a run (at least three): all of them where there are not more,
    /// otherwise the least, the greatest and the last of every stretch, so that a plot of them looks like a plot of all. By step;
    /// `steps` looks at a part of it. Missing runs have none.
    ///
    /// # Errors
    /// When there are too many runs.
    pub async fn metric_history_sampled(
        &self,
        run_ids: &[String],
        key: &str,
        points: u32,
        steps: Option<RangeInclusive<i64>>,
    ) -> Result<Vec<Metric>> {
        again!(self.database, {
            let points = page_size(points, limits::HISTORY_RESULTS)?.max(POINTS);
            if run_ids.len() > limits::IDS {
                return Err(TrackError::invalid(format!(
                    "at most {} runs can be asked for, got {}",
                    limits::IDS,
                    run_ids.len()
                )));
            }
            let mut read = self.database.read().await?;
            let Some(key_id) = key_number(&mut read, key).await? else { return Ok(Vec::new()) };
            let steps = steps.clone().unwrap_or(i64::MIN..=i64::MAX);
            let mut sampled = Vec::new();
            for run_id in run_ids {
                let Some(run) = run_number(&mut read, run_id).await? else { continue };
                let mut curve = Curve { run, key: key_id, steps: steps.clone() };
                for row in curve.sampled(&mut read, points).await? {
                    sampled.push(point(&row, key, run_id)?);
                }
            }
            Ok(sampled)
        })
    }
}

/// A metric of a run, or a part of it.
struct Curve {
    run: i64,
    key: i64,
    steps: RangeInclusive<i64>,
}

impl Curve {
    async fn sampled(&mut self, read: &mut Connection, points: i64) -> Result<Vec<Row>> {
        let mut all = Sql::new("SELECT step, timestamp, value, is_nan FROM metrics");
        self.push_where(&mut all);
        all.push(" ORDER BY step, timestamp, value, is_nan LIMIT ").bind(points.saturating_add(1));
        let rows = all.fetch_all(read).await?;
        if i64::try_from(rows.len()).is_ok_and(|count| count <= points) {
            return Ok(rows);
        }
        let Some((mut first, mut last)) = self.ends(read).await? else { return Ok(Vec::new()) };
        if first == last && *self.steps.start() != *self.steps.end() {
            self.steps = first..=first; // from here on it is cut by time
            (first, last) = self.ends(read).await?.unwrap_or((first, last));
        }
        let stretches = i128::from(points / POINTS);
        let length = (i128::from(last) - i128::from(first)) / stretches + 1;
        let mut parts = Vec::new();
        for stretch in 0..stretches {
            let from = i128::from(first) + stretch * length;
            let (Ok(from), to) = (i64::try_from(from), i64::try_from(from + length - 1).unwrap_or(i64::MAX)) else {
                break;
            };
            if from > last {
                break;
            }
            parts.push((from, to));
        }
        let mut sampled = Vec::new();
        for parts in parts.chunks(TOGETHER) {
            sampled.extend(self.stretches(read, parts).await?);
        }
        Ok(sampled)
    }

    fn push_where(&self, sql: &mut Sql) {
        sql.push(" WHERE run_id = ").bind(self.run).push(" AND key_id = ").bind(self.key);
        let (first, last) = (*self.steps.start(), *self.steps.end());
        if first == last {
            sql.push(" AND step = ").bind(first);
        } else {
            sql.push(" AND step BETWEEN ").bind(first).push(" AND ").bind(last);
        }
    }

    /// What it is cut by: the steps, or the time where all points have one step, as those logged without a step have.
    fn axis(&self) -> &'static str {
        if self.steps.start() == self.steps.end() { "timestamp" } else { "step" }
    }

    /// The first and the last step, or time.
    async fn ends(&self, read: &mut Connection) -> Result<Option<(i64, i64)>> {
        let mut ends = Vec::with_capacity(2);
        for function in ["min(", "max("] {
            let mut select = Sql::new("SELECT "); // one of both a statement: then SQLite looks at one end only
            select.push(function).push(self.axis()).push(") FROM metrics");
            self.push_where(&mut select);
            let row = select.fetch_optional(read).await?;
            ends.extend(row.map(|row| row.int_or_none(0)).transpose()?.flatten());
        }
        Ok(match ends.as_slice() {
            [first, last] => Some((*first, *last)),
            _ => None,
        })
    }

    /// The least, the greatest and the last point of each stretch, sorted, none twice.
    async fn stretches(&self, read: &mut Connection, parts: &[(i64, i64)]) -> Result<Vec<Row>> {
        const ORDERS: [&str; 3] = [
            " AND is_nan = 0 ORDER BY value LIMIT 1) least",
            " AND is_nan = 0 ORDER BY value DESC LIMIT 1) greatest",
            " ORDER BY step DESC, timestamp DESC, value DESC, is_nan DESC LIMIT 1) latest",
        ];
        let mut sql = Sql::new("SELECT DISTINCT step, timestamp, value, is_nan FROM (");
        for (part, &(from, to)) in parts.iter().enumerate() {
            for (index, order) in ORDERS.into_iter().enumerate() {
                sql.push(if part + index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
                sql.push("SELECT step, timestamp, value, is_nan FROM metrics");
                self.push_where(&mut sql);
                sql.push(" AND ").push(self.axis()).push(" BETWEEN ").bind(from).push(" AND ").bind(to).push(order);
            }
        }
        sql.push(") points ORDER BY step, timestamp, value, is_nan").fetch_all(read).await
    }
}
