//! Search for experiments.

use super::{Tracker, experiments};
use crate::again::again;
use crate::filter::{
    Attribute, Comparison, Condition, Entity, Kind, Operand, Vocabulary, offset_of, page_of, page_size, parse,
    parse_order, push_comparison,
};
use crate::sql::Sql;
use crate::{Experiment, Page, Result, TrackError, ViewType, limits, names};

/// What can be asked about experiments.
const EXPERIMENTS: Vocabulary = Vocabulary {
    entities: &[
        ("attribute", Entity::Attribute),
        ("attributes", Entity::Attribute),
        ("tag", Entity::Tag),
        ("tags", Entity::Tag),
    ],
    attributes: &[
        Attribute::text("name", "e.name"),
        Attribute { name: "experiment_id", column: "e.id", kind: Kind::Name, lists: true },
        Attribute::integer("creation_time", "e.creation_time"),
        Attribute::integer("last_update_time", "e.last_update_time"),
    ],
    lists: false,
    nullable: &[Entity::Tag],
};

/// Which experiments, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentSearch {
    /// Such as `name LIKE 'shoe%' AND tags.team = 'a'`; empty takes all.
    pub filter: String,
    /// Active ones, deleted ones or both.
    pub view: ViewType,
    /// Such as `name ASC`; the latest first when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for ExperimentSearch {
    fn default() -> Self {
        let (filter, order_by) = (String::new(), Vec::new());
        Self { filter, view: ViewType::default(), order_by, max_results: 1000, page_token: None }
    }
}

impl Tracker {
    /// Experiments that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_experiments(&self, search: &ExperimentSearch) -> Result<Page<Experiment>> {
        again!(self.database, {
            let size = page_size(search.max_results, limits::SEARCH_RESULTS)?;
            let offset = offset_of(search.page_token.as_deref(), 0)?;
            let conditions = parse(&search.filter, &EXPERIMENTS)?;
            let default = ["creation_time DESC".to_owned(), "experiment_id ASC".to_owned()];
            let order_by = if search.order_by.is_empty() { &default[..] } else { &search.order_by };
            let order = parse_order(order_by, &EXPERIMENTS)?;

            let mut sql = Sql::new(experiments::COLUMNS);
            sql.push(" WHERE e.lifecycle_stage IN ").values(search.view.stages().iter().map(|stage| stage.as_str()));
            for condition in &conditions {
                sql.push(" AND ");
                require(&mut sql, condition, self.database.like_end())?;
            }
            sql.push(" ORDER BY ");
            for field in &order {
                if field.entity != Entity::Attribute {
                    return Err(TrackError::invalid(format!("Invalid order_by entity: {}", field.entity.name())));
                }
                sql.push(field.column).push(if field.descending { " DESC, " } else { ", " });
            }
            sql.push("e.id DESC LIMIT ").bind(size.saturating_add(1)).push(" OFFSET ").bind(offset);

            let mut read = self.database.read().await?;
            let page = page_of(sql.fetch_all(&mut read).await?, size, offset, 0);
            let mut found = page.items.iter().map(|row| self.experiment(row)).collect::<Result<Vec<_>>>()?;
            experiments::add_tags(&mut read, &mut found).await?;
            Ok(Page { items: found, next_page_token: page.next_page_token })
        })
    }
}

/// Adds one condition on an experiment `e`.
fn require(sql: &mut Sql, condition: &Condition, like_end: &'static str) -> Result<()> {
    if condition.column == "e.id" {
        let not = matches!(condition.comparison, Comparison::NotEqual | Comparison::NotIn);
        let ids = match &condition.operand {
            Operand::List(ids) => ids.iter().map(|id| names::experiment_id(id)).collect::<Result<Vec<_>>>()?,
            Operand::Text(id) => vec![names::experiment_id(id)?],
            _ => Vec::new(), // the vocabulary lets nothing else through
        };
        sql.push(if not { "e.id NOT IN " } else { "e.id IN " }).values(ids);
    } else if condition.entity == Entity::Attribute {
        push_comparison(sql, condition.column, condition, like_end);
    } else {
        let absent = condition.comparison == Comparison::IsNull;
        sql.push(if absent { "NOT EXISTS" } else { "EXISTS" });
        sql.push(" (SELECT 1 FROM experiment_tags f WHERE f.experiment_id = e.id AND f.key = ").bind(&*condition.key);
        if !absent && condition.comparison != Comparison::IsNotNull {
            sql.push(" AND ");
            push_comparison(sql, "f.value", condition, like_end);
        }
        sql.push(")");
    }
    Ok(())
}
