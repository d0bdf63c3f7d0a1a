//! Search for runs.

use super::{Tracker, read_runs};
use crate::again::again;
use crate::filter::{
    Attribute, Comparison, Condition, Entity, Field, Vocabulary, offset_of, page_of, page_size, parse, parse_order,
    push_comparison,
};
use crate::sql::Sql;
use crate::{Page, Result, Run, TrackError, ViewType, limits, names};

/// What can be asked about runs.
const RUNS: Vocabulary = Vocabulary {
    entities: &[
        ("metric", Entity::Metric),
        ("metrics", Entity::Metric),
        ("parameter", Entity::Param),
        ("parameters", Entity::Param),
        ("param", Entity::Param),
        ("params", Entity::Param),
        ("tag", Entity::Tag),
        ("tags", Entity::Tag),
        ("attribute", Entity::Attribute),
        ("attributes", Entity::Attribute),
        ("attr", Entity::Attribute),
        ("run", Entity::Attribute),
        ("dataset", Entity::Dataset),
        ("datasets", Entity::Dataset),
    ],
    attributes: &[
        Attribute::text("run_id", "r.run_uuid").with_lists(),
        Attribute::text("run_name", "r.name"),
        Attribute::text("Run Name", "r.name"),
        Attribute::text("Run name", "r.name"),
        Attribute::text("run name", "r.name"),
        Attribute::text("user_id", "r.user_id"),
        Attribute::text("status", "r.status"),
        Attribute::text("artifact_uri", "r.artifact_uri"),
        Attribute::integer("start_time", "r.start_time"),
        Attribute::integer("created", "r.start_time"),
        Attribute::integer("Created", "r.start_time"),
        Attribute::integer("end_time", "r.end_time"),
    ],
    lists: false,
    nullable: &[Entity::Param, Entity::Tag],
};

/// Which runs, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSearch {
    /// Whose runs.
    pub experiment_ids: Vec<String>,
    /// Such as `metrics.loss < 0.1 AND params.lr = '0.01'`; empty takes all.
    pub filter: String,
    /// Active runs, deleted ones or both.
    pub view: ViewType,
    /// Such as `metrics.loss ASC`; then the latest start first.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for RunSearch {
    fn default() -> Self {
        Self {
            experiment_ids: Vec::new(),
            filter: String::new(),
            view: ViewType::default(),
            order_by: Vec::new(),
            max_results: 1000,
            page_token: None,
        }
    }
}

impl RunSearch {
    /// The active runs of experiments, latest first.
    pub fn of(experiment_ids: impl IntoIterator<Item = String>) -> Self {
        Self { experiment_ids: experiment_ids.into_iter().collect(), ..Self::default() }
    }

    /// Takes only some.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// Adds to the order.
    pub fn order_by(mut self, field: impl Into<String>) -> Self {
        self.order_by.push(field.into());
        self
    }
}

impl Tracker {
    /// Runs that meet a filter, with all that was logged.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_runs(&self, search: &RunSearch) -> Result<Page<Run>> {
        again!(self.database, {
            let size = page_size(search.max_results, limits::SEARCH_RESULTS)?;
            let offset = offset_of(search.page_token.as_deref(), 0)?;
            let conditions = parse(&search.filter, &RUNS)?;
            let order = parse_order(&search.order_by, &RUNS)?;
            let experiments = experiment_ids(&search.experiment_ids)?;
            if experiments.is_empty() {
                return Ok(Page { items: Vec::new(), next_page_token: None });
            }
            let mut sql = Sql::new(read_runs::COLUMNS);
            join_order(&mut sql, &order);
            sql.push(" WHERE r.experiment_id IN ").values(experiments);
            sql.push(" AND r.lifecycle_stage IN ").values(search.view.stages().iter().map(|stage| stage.as_str()));
            for condition in &conditions {
                sql.push(" AND ");
                require(&mut sql, condition, self.database.like_end());
            }
            push_order(&mut sql, &order);
            sql.push(" LIMIT ").bind(size.saturating_add(1)).push(" OFFSET ").bind(offset);

            let mut read = self.database.read().await?;
            let page = page_of(sql.fetch_all(&mut read).await?, size, offset, 0);
            let runs = read_runs::runs(&mut read, &page.items).await?;
            Ok(Page { items: runs, next_page_token: page.next_page_token })
        })
    }
}

/// Ids of experiments as numbers.
pub(super) fn experiment_ids(ids: &[String]) -> Result<Vec<i64>> {
    if ids.len() > limits::IDS {
        return Err(TrackError::invalid(format!(
            "at most {} experiments can be searched, got {}",
            limits::IDS,
            ids.len()
        )));
    }
    ids.iter().map(|id| names::experiment_id(id)).collect()
}

/// Adds one condition on a run `r`.
fn require(sql: &mut Sql, condition: &Condition, like_end: &'static str) {
    let absent = condition.comparison == Comparison::IsNull;
    let present = absent || condition.comparison == Comparison::IsNotNull;
    if absent {
        sql.push("NOT ");
    }
    match condition.entity {
        Entity::Attribute => return push_comparison(sql, condition.column, condition, like_end),
        Entity::Metric => {
            sql.push("EXISTS (SELECT 1 FROM latest_metrics f WHERE f.run_id = r.id AND f.key_id = ");
            sql.push("(SELECT id FROM metric_keys WHERE name = ").bind(&*condition.key).push(") AND (");
            // Nothing is equal to NaN, less or greater; everything differs from it.
            sql.push(if condition.comparison == Comparison::NotEqual {
                "f.is_nan = 1 OR "
            } else {
                "f.is_nan = 0 AND "
            });
            push_comparison(sql, "f.value", condition, like_end);
            sql.push(")");
        }
        Entity::Param | Entity::Tag => {
            let tag = condition.entity == Entity::Tag;
            sql.push("EXISTS (SELECT 1 FROM ").push(if tag { "run_tags" } else { "params" });
            sql.push(" f WHERE f.run_id = r.id AND f.key = ").bind(&*condition.key);
            if !present {
                sql.push(" AND ");
                push_comparison(sql, "f.value", condition, like_end);
            }
        }
        Entity::Dataset => {
            sql.push("EXISTS (SELECT 1 FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset_id ");
            let column = match &*condition.key {
                "name" => "d.name",
                "digest" => "d.digest",
                _ => {
                    sql.push("JOIN dataset_input_tags t ON t.input_id = i.id AND t.key = 'mlflow.data.context' ");
                    "t.value"
                }
            };
            sql.push("WHERE i.run_id = r.id AND ");
            push_comparison(sql, column, condition, like_end);
        }
    }
    sql.push(")");
}

/// Joins what the order looks at, without losing runs that lack it.
fn join_order(sql: &mut Sql, order: &[Field]) {
    for (number, field) in order.iter().enumerate() {
        let table = match field.entity {
            Entity::Metric => " LEFT JOIN latest_metrics o",
            Entity::Param => " LEFT JOIN params o",
            Entity::Tag => " LEFT JOIN run_tags o",
            Entity::Attribute | Entity::Dataset => continue,
        };
        sql.push(table).push_number(number).push(" ON o").push_number(number).push(".run_id = r.id AND o");
        sql.push_number(number);
        if field.entity == Entity::Metric {
            sql.push(".key_id = (SELECT id FROM metric_keys WHERE name = ").bind(&*field.key).push(")");
        } else {
            sql.push(".key = ").bind(&*field.key);
        }
    }
}

/// Runs that lack a field come last, those whose metric is NaN before them, whichever the direction.
fn push_order(sql: &mut Sql, order: &[Field]) {
    sql.push(" ORDER BY ");
    for (number, field) in order.iter().enumerate() {
        match field.entity {
            Entity::Attribute | Entity::Dataset => {
                sql.push("CASE WHEN ").push(field.column).push(" IS NULL THEN 1 ELSE 0 END, ").push(field.column);
            }
            Entity::Metric => {
                sql.push("CASE WHEN o").push_number(number).push(".is_nan = 1 THEN 1 WHEN o").push_number(number);
                sql.push(".value IS NULL THEN 2 ELSE 0 END, o").push_number(number).push(".value");
            }
            Entity::Param | Entity::Tag => {
                sql.push("CASE WHEN o").push_number(number).push(".value IS NULL THEN 1 ELSE 0 END, o");
                sql.push_number(number).push(".value");
            }
        }
        sql.push(if field.descending { " DESC, " } else { ", " });
    }
    if !order.iter().any(|field| field.column == "r.start_time") {
        sql.push("CASE WHEN r.start_time IS NULL THEN 1 ELSE 0 END, r.start_time DESC, ");
    }
    sql.push("r.run_uuid");
}
