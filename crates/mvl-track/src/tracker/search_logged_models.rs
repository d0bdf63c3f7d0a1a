//! Search for logged models.

use super::search_runs::experiment_ids;
use super::{Tracker, read_models};
use crate::again::again;
use crate::filter::{
    Attribute, Condition, Entity, Kind, Vocabulary, offset_of, page_of, page_size, parse, parse_order, push_comparison,
    query_mark,
};
use crate::sql::Sql;
use crate::{LoggedModel, Page, Result, TrackError, limits};

/// What can be asked about logged models.
const MODELS: Vocabulary = Vocabulary {
    entities: &[
        ("attributes", Entity::Attribute),
        ("metrics", Entity::Metric),
        ("params", Entity::Param),
        ("tags", Entity::Tag),
    ],
    attributes: &[
        Attribute::text("name", "l.name").with_lists(),
        Attribute::text("model_id", "l.model_uuid").with_lists(),
        Attribute::text("model_type", "l.model_type").with_lists(),
        Attribute::text("source_run_id", "l.source_run_id").with_lists(),
        Attribute::text("artifact_location", "l.artifact_location").with_lists(),
        Attribute::text("status_message", "l.status_message").with_lists(),
        Attribute { name: "status", column: "l.status", kind: Kind::Name, lists: true },
        Attribute::integer("creation_time", "l.creation_time"),
        Attribute::integer("creation_timestamp", "l.creation_time"),
        Attribute::integer("creation_timestamp_ms", "l.creation_time"),
        Attribute::integer("last_updated_timestamp", "l.last_update_time"),
        Attribute::integer("last_updated_timestamp_ms", "l.last_update_time"),
    ],
    lists: true,
    nullable: &[],
};

/// Which logged models, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModelSearch {
    /// Whose models.
    pub experiment_ids: Vec<String>,
    /// Such as `metrics.accuracy > 0.9 AND name = 'shoes'`; empty takes all.
    pub filter: String,
    /// Only metrics on these data sets count; without a condition on metrics, models that were measured on one of them.
    pub datasets: Vec<DatasetFilter>,
    /// The order; then the latest first.
    pub order_by: Vec<ModelOrder>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for LoggedModelSearch {
    fn default() -> Self {
        Self {
            experiment_ids: Vec::new(),
            filter: String::new(),
            datasets: Vec::new(),
            order_by: Vec::new(),
            max_results: 100,
            page_token: None,
        }
    }
}

/// A data set that metrics were measured on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFilter {
    /// Its name.
    pub dataset_name: String,
    /// Its digest; any when it is `None`.
    pub dataset_digest: Option<String>,
}

/// One field of an order of logged models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelOrder {
    /// Such as `creation_timestamp` or `metrics.accuracy`.
    pub field_name: String,
    /// The greatest first.
    pub descending: bool,
    /// Only metrics on this data set count.
    pub dataset_name: Option<String>,
    /// Only metrics on the data set of this digest count.
    pub dataset_digest: Option<String>,
}

impl Tracker {
    /// Logged models that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order or token that is none.
    pub async fn search_logged_models(&self, search: &LoggedModelSearch) -> Result<Page<LoggedModel>> {
        again!(self.database, {
            let size = page_size(search.max_results, limits::SEARCH_RESULTS)?;
            let LoggedModelSearch { experiment_ids: ids, filter, datasets, order_by, .. } = search;
            let mark = query_mark(&format!("{ids:?}{filter}{datasets:?}{order_by:?}"));
            let offset = offset_of(search.page_token.as_deref(), mark)?;
            if datasets.iter().any(|dataset| dataset.dataset_name.is_empty()) {
                return Err(TrackError::invalid("`dataset_name` in the `datasets` clause must be specified."));
            }
            if datasets.len() > limits::FILTER_CONDITIONS {
                return Err(TrackError::invalid(format!(
                    "at most {} datasets can be named",
                    limits::FILTER_CONDITIONS
                )));
            }
            let conditions = parse(filter, &MODELS)?;
            let order = Order::parse(order_by)?;
            let ids = experiment_ids(ids)?;
            if ids.is_empty() {
                return Ok(Page { items: Vec::new(), next_page_token: None });
            }
            let mut sql = Sql::new(read_models::COLUMNS);
            order.join(&mut sql, datasets);
            sql.push(" WHERE l.lifecycle_stage = 'active' AND l.experiment_id IN ").values(ids);
            for condition in &conditions {
                sql.push(" AND ");
                require(&mut sql, condition, datasets, self.database.like_end());
            }
            if !datasets.is_empty() && !conditions.iter().any(|condition| condition.entity == Entity::Metric) {
                sql.push(" AND EXISTS (SELECT 1 FROM logged_model_metrics m WHERE m.model_id = l.id");
                push_datasets(&mut sql, datasets);
                sql.push(")");
            }
            order.push(&mut sql);
            sql.push(" LIMIT ").bind(size.saturating_add(1)).push(" OFFSET ").bind(offset);

            let mut read = self.database.read().await?;
            let page = page_of(sql.fetch_all(&mut read).await?, size, offset, mark);
            let models = read_models::models(&mut read, &page.items).await?;
            Ok(Page { items: models, next_page_token: page.next_page_token })
        })
    }
}

/// Adds one condition on a logged model `l`. Of a metric, the latest value counts.
fn require(sql: &mut Sql, condition: &Condition, datasets: &[DatasetFilter], like_end: &'static str) {
    let table = match condition.entity {
        Entity::Metric => {
            sql.push("l.id IN (SELECT f.model_id FROM (");
            push_latest(sql, &condition.key, datasets, None);
            sql.push(") f WHERE f.is_nan = 0 AND ");
            push_comparison(sql, "f.value", condition, like_end);
            sql.push(")");
            return;
        }
        Entity::Param => "logged_model_params",
        Entity::Tag => "logged_model_tags",
        Entity::Attribute | Entity::Dataset => return push_comparison(sql, condition.column, condition, like_end),
    };
    sql.push("EXISTS (SELECT 1 FROM ")
        .push(table)
        .push(" f WHERE f.model_id = l.id AND f.key = ")
        .bind(&*condition.key);
    sql.push(" AND ");
    push_comparison(sql, "f.value", condition, like_end);
    sql.push(")");
}

/// The latest value of a metric for each model: the highest step, then time, then value.
fn push_latest(sql: &mut Sql, key: &str, datasets: &[DatasetFilter], of: Option<&ModelOrder>) {
    sql.push("SELECT x.model_id, x.value, x.is_nan FROM (SELECT m.model_id, m.value, m.is_nan, row_number() OVER ");
    sql.push("(PARTITION BY m.model_id ORDER BY m.step DESC, m.timestamp DESC, m.value DESC) AS place ");
    sql.push("FROM logged_model_metrics m WHERE m.key_id = (SELECT id FROM metric_keys WHERE name = ")
        .bind(key)
        .push(")");
    push_datasets(sql, datasets);
    if let Some(name) = of.and_then(|order| order.dataset_name.as_deref()) {
        sql.push(" AND m.dataset_name = ").bind(name);
    }
    if let Some(digest) = of.and_then(|order| order.dataset_digest.as_deref()) {
        sql.push(" AND m.dataset_digest = ").bind(digest);
    }
    sql.push(") x WHERE x.place = 1");
}

/// Only metrics `m` on one of these data sets.
fn push_datasets(sql: &mut Sql, datasets: &[DatasetFilter]) {
    for (index, dataset) in datasets.iter().enumerate() {
        sql.push(if index == 0 { " AND (" } else { " OR " });
        sql.push("(m.dataset_name = ").bind(&*dataset.dataset_name);
        if let Some(digest) = &dataset.dataset_digest {
            sql.push(" AND m.dataset_digest = ").bind(&**digest);
        }
        sql.push(")");
    }
    if !datasets.is_empty() {
        sql.push(")");
    }
}

/// An order, checked: of each field its metric or its column.
struct Order<'a>(Vec<(&'a ModelOrder, Option<String>, &'static str)>);

impl<'a> Order<'a> {
    fn parse(order_by: &'a [ModelOrder]) -> Result<Self> {
        if order_by.len() > limits::ORDER_FIELDS {
            return Err(TrackError::invalid(format!("order_by may have at most {} fields", limits::ORDER_FIELDS)));
        }
        let field = |order: &'a ModelOrder| {
            let name = &order.field_name;
            if let Some((entity, metric)) = name.split_once('.') {
                let metric = metric.trim_matches('`');
                if entity == "metrics" && !metric.is_empty() {
                    return Ok((order, Some(metric.to_owned()), ""));
                }
                let message = format!("Invalid order by field name: {name}. Only metrics are supported.");
                return Err(TrackError::invalid(message));
            }
            let field = parse_order(std::slice::from_ref(name), &MODELS);
            let column = field.ok().and_then(|fields| fields.first().map(|field| field.column));
            column
                .map(|column| (order, None, column))
                .ok_or_else(|| TrackError::invalid(format!("Invalid order by field name: {name}")))
        };
        Ok(Self(order_by.iter().map(field).collect::<Result<_>>()?))
    }

    fn join(&self, sql: &mut Sql, datasets: &[DatasetFilter]) {
        for (number, (order, metric, _)) in self.0.iter().enumerate() {
            if let Some(metric) = metric {
                sql.push(" LEFT JOIN (");
                push_latest(sql, metric, datasets, Some(order));
                sql.push(") o").push_number(number).push(" ON o").push_number(number).push(".model_id = l.id");
            }
        }
    }

    /// Models that lack a field come last, whichever the direction.
    fn push(&self, sql: &mut Sql) {
        sql.push(" ORDER BY ");
        for (number, (order, metric, column)) in self.0.iter().enumerate() {
            if metric.is_some() {
                sql.push("CASE WHEN o").push_number(number).push(".is_nan = 0 THEN 0 ELSE 1 END, o");
                sql.push_number(number).push(".value");
            } else {
                sql.push("CASE WHEN ").push(column).push(" IS NULL THEN 1 ELSE 0 END, ").push(column);
            }
            sql.push(if order.descending { " DESC, " } else { ", " });
        }
        if !self.0.iter().any(|(.., column)| *column == "l.creation_time") {
            sql.push("l.creation_time DESC, ");
        }
        sql.push("l.model_uuid");
    }
}
