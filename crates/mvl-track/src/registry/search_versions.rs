//! Search for versions.

use super::Registry;
use super::read::{DELETED, VERSION_COLUMNS, versions};
use super::search_models::{ENTITIES, is_about_prompts, push_order, push_prompts};
use crate::again::again;
use crate::filter::{
    Attribute, Entity, Vocabulary, offset_of, page_of, page_size, parse, parse_order, push_comparison,
};
use crate::sql::Sql;
use crate::{ModelVersion, Page, Result, limits};

/// What can be asked about versions.
const VERSIONS: Vocabulary = Vocabulary {
    entities: ENTITIES,
    attributes: &[
        Attribute::text("name", "m.name").with_lists(),
        Attribute::text("run_id", "v.run_id").with_lists(),
        Attribute::text("source_path", "v.source"),
        Attribute::integer("version_number", "v.version"),
    ],
    lists: false,
    nullable: &[],
};

/// What they can be sorted by.
const ORDER: Vocabulary = Vocabulary {
    entities: ENTITIES,
    attributes: &[
        Attribute::text("name", "m.name"),
        Attribute::integer("version_number", "v.version"),
        Attribute::integer("creation_timestamp", "v.creation_time"),
        Attribute::integer("last_updated_timestamp", "v.last_update_time"),
    ],
    lists: false,
    nullable: &[],
};

/// Which versions, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSearch {
    /// Such as `name = 'shoes' AND tags.ok = 'yes'`; empty takes all.
    pub filter: String,
    /// Such as `version_number DESC`; the latest change first when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for VersionSearch {
    fn default() -> Self {
        Self { filter: String::new(), order_by: Vec::new(), max_results: 10000, page_token: None }
    }
}

impl Registry {
    /// Versions that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_versions(&self, search: &VersionSearch) -> Result<Page<ModelVersion>> {
        again!(self.database, {
            let size = page_size(search.max_results, limits::VERSION_RESULTS)?;
            let offset = offset_of(search.page_token.as_deref(), 0)?;
            let conditions = parse(&search.filter, &VERSIONS)?;
            let default = ["last_updated_timestamp DESC".to_owned()];
            let order_by = if search.order_by.is_empty() { &default[..] } else { &search.order_by };
            let order = parse_order(order_by, &ORDER)?;
            let mut sql = Sql::new(VERSION_COLUMNS);
            sql.push(" WHERE v.stage <> ").bind(DELETED).push(" AND ");
            push_prompts(&mut sql, &conditions, "v.model_id");
            for condition in conditions.iter().filter(|condition| !is_about_prompts(condition)) {
                sql.push(" AND ");
                if condition.entity == Entity::Attribute {
                    push_comparison(&mut sql, condition.column, condition, self.database.like_end());
                } else {
                    sql.push("EXISTS (SELECT 1 FROM model_version_tags f WHERE f.model_id = v.model_id AND f.version = v.version");
                    sql.push(" AND f.key = ").bind(&*condition.key).push(" AND ");
                    push_comparison(&mut sql, "f.value", condition, self.database.like_end());
                    sql.push(")");
                }
            }
            push_order(&mut sql, &order)?;
            sql.push("m.name, v.version DESC LIMIT ").bind(size.saturating_add(1)).push(" OFFSET ").bind(offset);

            let mut read = self.database.read().await?;
            let page = page_of(sql.fetch_all(&mut read).await?, size, offset, 0);
            let items = versions(&mut read, &page.items).await?;
            Ok(Page { items, next_page_token: page.next_page_token })
        })
    }
}
