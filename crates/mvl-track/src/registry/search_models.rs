//! Search for registered models.

use super::Registry;
use super::read::{MODEL_COLUMNS, models};
use crate::again::again;
use crate::filter::{
    Attribute, Comparison, Condition, Entity, Field, Operand, Vocabulary, offset_of, page_of, page_size, parse,
    parse_order, push_comparison,
};
use crate::sql::Sql;
use crate::{Page, RegisteredModel, Result, TrackError, limits};

/// Words before the dot.
pub(super) const ENTITIES: &[(&str, Entity)] =
    &[("attribute", Entity::Attribute), ("attributes", Entity::Attribute), ("tag", Entity::Tag), ("tags", Entity::Tag)];

/// What can be asked about registered models.
const MODELS: Vocabulary = Vocabulary {
    entities: ENTITIES,
    attributes: &[Attribute::text("name", "m.name").with_lists()],
    lists: false,
    nullable: &[],
};

/// What they can be sorted by.
const ORDER: Vocabulary = Vocabulary {
    entities: ENTITIES,
    attributes: &[
        Attribute::text("name", "m.name"),
        Attribute::integer("timestamp", "m.last_update_time"),
        Attribute::integer("last_updated_timestamp", "m.last_update_time"),
        Attribute::integer("creation_timestamp", "m.creation_time"),
    ],
    lists: false,
    nullable: &[],
};

/// The tag that tells prompts, which MLflow keeps among the models, from models.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Which registered models, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSearch {
    /// Such as `name LIKE 'shoe%'`; empty takes all.
    pub filter: String,
    /// Such as `name ASC`; by name when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for ModelSearch {
    fn default() -> Self {
        Self { filter: String::new(), order_by: Vec::new(), max_results: 100, page_token: None }
    }
}

impl Registry {
    /// Registered models that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_models(&self, search: &ModelSearch) -> Result<Page<RegisteredModel>> {
        again!(self.database, {
            let size = page_size(search.max_results, limits::MODEL_RESULTS)?;
            let offset = offset_of(search.page_token.as_deref(), 0)?;
            let conditions = parse(&search.filter, &MODELS)?;
            let order = parse_order(&search.order_by, &ORDER)?;
            let mut sql = Sql::new(MODEL_COLUMNS);
            sql.push(" WHERE ");
            push_prompts(&mut sql, &conditions, "m.id");
            for condition in conditions.iter().filter(|condition| !is_about_prompts(condition)) {
                sql.push(" AND ");
                if condition.entity == Entity::Attribute {
                    push_comparison(&mut sql, condition.column, condition, self.database.like_end());
                } else {
                    sql.push("EXISTS (SELECT 1 FROM registered_model_tags f WHERE f.model_id = m.id AND f.key = ");
                    sql.bind(&*condition.key).push(" AND ");
                    push_comparison(&mut sql, "f.value", condition, self.database.like_end());
                    sql.push(")");
                }
            }
            push_order(&mut sql, &order)?;
            sql.push("m.name LIMIT ").bind(size.saturating_add(1)).push(" OFFSET ").bind(offset);

            let mut read = self.database.read().await?;
            let page = page_of(sql.fetch_all(&mut read).await?, size, offset, 0);
            let items = models(&mut read, &page.items).await?;
            Ok(Page { items, next_page_token: page.next_page_token })
        })
    }
}

/// Adds the fields of an order; the caller adds what makes it unique.
pub(super) fn push_order(sql: &mut Sql, order: &[Field]) -> Result<()> {
    sql.push(" ORDER BY ");
    for field in order {
        if field.entity != Entity::Attribute {
            return Err(TrackError::invalid(format!("Invalid order_by entity: {}", field.entity.name())));
        }
        sql.push(field.column).push(if field.descending { " DESC, " } else { ", " });
    }
    Ok(())
}

pub(super) fn is_about_prompts(condition: &Condition) -> bool {
    condition.entity == Entity::Tag && condition.key == PROMPT_TAG
}

/// Only prompts when the filter asks for them, otherwise no prompts.
pub(super) fn push_prompts(sql: &mut Sql, conditions: &[Condition], model: &'static str) {
    let asked = conditions.iter().find(|condition| is_about_prompts(condition));
    let wanted = asked.is_some_and(|condition| match &condition.operand {
        Operand::Text(value) => match condition.comparison {
            Comparison::Equal => value.eq_ignore_ascii_case("true"),
            Comparison::NotEqual => value.eq_ignore_ascii_case("false"),
            _ => false,
        },
        _ => false,
    });
    sql.push(if wanted { "EXISTS" } else { "NOT EXISTS" });
    sql.push(" (SELECT 1 FROM registered_model_tags p WHERE p.model_id = ").push(model);
    sql.push(" AND p.value = 'true' AND p.key = ").bind(PROMPT_TAG).push(")");
}
