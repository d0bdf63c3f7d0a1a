//! Metrics: every point, the latest of each key, and what was measured about logged models.

use std::collections::{BTreeSet, HashMap};

use super::Tracker;
use super::logged_models::model_numbers;
use crate::again::again;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{Metric, Result, TrackError, names};

/// Points in one statement; each takes seven values.
const POINTS: usize = 500;

impl Tracker {
    /// Logs one point. The same point twice is one point.
    ///
    /// # Errors
    /// When the run is missing or deleted, or the metric's name is not allowed.
    pub async fn log_metric(&self, run_id: &str, metric: &Metric) -> Result<()> {
        again!(self.database, {
            names::metric("", metric)?;
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            let keys = self.put_metrics(&mut write, run.id, run_id, std::slice::from_ref(metric)).await?;
            write.commit().await?;
            self.metric_keys.remember(keys);
            Ok(())
        })
    }

    /// Writes checked points about a locked run. Answers the keys' numbers, to be remembered after the commit.
    pub(super) async fn put_metrics(
        &self,
        write: &mut Connection,
        run: i64,
        run_id: &str,
        metrics: &[Metric],
    ) -> Result<HashMap<String, i64>> {
        if metrics.is_empty() {
            return Ok(HashMap::new());
        }
        let names: BTreeSet<_> = metrics.iter().map(|metric| &*metric.key).collect();
        let names: Vec<_> = names.into_iter().collect();
        let keys = self.metric_keys.resolve(write, &names).await?;
        let mut points = Vec::with_capacity(metrics.len());
        for metric in metrics {
            let key = *keys.get(&metric.key).ok_or_else(|| TrackError::internal("a metric's key has no number"))?;
            points.push(Point::new(key, metric));
        }
        for points in points.chunks(POINTS) {
            let mut insert = Sql::new("INSERT INTO metrics (run_id, key_id, step, timestamp, value, is_nan) VALUES ");
            insert.list(points, |sql, point| point.bind(sql, run));
            insert.push(" ON CONFLICT DO NOTHING").execute(write).await?;
        }
        put_latest(write, run, &points).await?;
        put_model_metrics(write, run_id, metrics, &points).await?;
        Ok(keys)
    }
}

/// A point as the database keeps it.
#[derive(Debug, Clone, Copy)]
struct Point {
    key: i64,
    step: i64,
    timestamp: i64,
    value: f64,
    is_nan: i64,
}

impl Point {
    fn new(key: i64, metric: &Metric) -> Self {
        let is_nan = metric.value.is_nan();
        // 0 + x turns -0 into 0: Postgres takes them for the same point.
        let value = if is_nan { 0.0 } else { 0.0 + metric.value };
        Self { key, step: metric.step, timestamp: metric.timestamp, value, is_nan: i64::from(is_nan) }
    }

    fn is_later_than(&self, other: &Self) -> bool {
        let by_time = (self.step, self.timestamp).cmp(&(other.step, other.timestamp));
        by_time.then(self.value.total_cmp(&other.value)).is_gt()
    }

    fn bind(&self, sql: &mut Sql, run: i64) {
        sql.push("(").bind(run).push(", ").bind(self.key).push(", ").bind(self.step).push(", ");
        sql.bind(self.timestamp).push(", ").bind(self.value).push(", ").bind(self.is_nan).push(")");
    }
}

/// Keeps the latest point of each key: the highest step, then the highest time, then the highest value.
async fn put_latest(write: &mut Connection, run: i64, points: &[Point]) -> Result<()> {
    let mut latest: HashMap<i64, Point> = HashMap::new();
    for point in points {
        let kept = latest.entry(point.key).or_insert(*point);
        if point.is_later_than(kept) {
            *kept = *point;
        }
    }
    let mut latest: Vec<_> = latest.into_values().collect();
    latest.sort_unstable_by_key(|point| point.key);
    for points in latest.chunks(POINTS) {
        let mut upsert =
            Sql::new("INSERT INTO latest_metrics (run_id, key_id, step, timestamp, value, is_nan) VALUES ");
        upsert.list(points, |sql, point| point.bind(sql, run));
        upsert.push(
            " ON CONFLICT (run_id, key_id) DO UPDATE SET step = excluded.step, timestamp = excluded.timestamp, \
             value = excluded.value, is_nan = excluded.is_nan \
             WHERE (excluded.step, excluded.timestamp, excluded.value) > \
             (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        );
        upsert.execute(write).await?;
    }
    Ok(())
}

/// Keeps, beside the run's own history, the points that tell about a logged model.
async fn put_model_metrics(write: &mut Connection, run_id: &str, metrics: &[Metric], points: &[Point]) -> Result<()> {
    let of_models: Vec<_> = metrics
        .iter()
        .zip(points)
        .filter_map(|(metric, point)| Some((metric.model_id.as_deref()?, metric, point)))
        .collect();
    if of_models.is_empty() {
        return Ok(());
    }
    let models = model_numbers(write, of_models.iter().map(|(model, ..)| *model)).await?;
    for points in of_models.chunks(POINTS) {
        let mut insert = Sql::new(
            "INSERT INTO logged_model_metrics \
             (model_id, key_id, step, timestamp, value, is_nan, run_uuid, dataset_name, dataset_digest) VALUES ",
        );
        let mut missing = None;
        insert.list(points, |sql, (model, metric, point)| {
            let number = models.get(*model).copied().unwrap_or_else(|| {
                missing = Some(*model);
                0
            });
            sql.push("(").bind(number).push(", ").bind(point.key).push(", ").bind(point.step).push(", ");
            sql.bind(point.timestamp).push(", ").bind(point.value).push(", ").bind(point.is_nan).push(", ");
            sql.bind(run_id).push(", ").bind(metric.dataset_name.as_deref().unwrap_or_default()).push(", ");
            sql.bind(metric.dataset_digest.as_deref().unwrap_or_default()).push(")");
        });
        if let Some(model) = missing {
            return Err(super::logged_models::no_model(model));
        }
        insert.push(" ON CONFLICT DO NOTHING").execute(write).await?;
    }
    Ok(())
}
