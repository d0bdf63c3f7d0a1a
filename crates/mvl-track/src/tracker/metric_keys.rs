//! Names of metrics as numbers, so that a million points do not repeat a name.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Result;
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::sql::Sql;

/// The numbers that this process has seen. Names are never removed from the database, so what was read stays true.
#[derive(Debug, Clone, Default)]
pub(crate) struct MetricKeys {
    known: Arc<RwLock<HashMap<String, i64>>>,
}

impl MetricKeys {
    /// The numbers of names, made where they are missing. What was made is remembered only once
    /// [`remember`](Self::remember) says that the transaction was committed.
    pub(crate) async fn resolve(&self, connection: &mut Connection, names: &[&str]) -> Result<HashMap<String, i64>> {
        let mut numbers = HashMap::with_capacity(names.len());
        let mut unknown = Vec::new();
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            for name in names {
                match known.get(*name) {
                    Some(number) => {
                        numbers.insert((*name).to_owned(), *number);
                    }
                    None => unknown.push(*name),
                }
            }
        }
        unknown.sort_unstable(); // one order for all writers, so that they cannot wait for each other in a ring
        unknown.dedup();
        for names in unknown.chunks(LIST_VALUES) {
            let mut insert = Sql::new("INSERT INTO metric_keys (name) VALUES ");
            insert.list(names, |sql, name| {
                sql.push("(").bind(*name).push(")");
            });
            insert.push(" ON CONFLICT (name) DO NOTHING").execute(connection).await?;
            let mut select = Sql::new("SELECT name, id FROM metric_keys WHERE name IN (");
            select
                .list(names, |sql, name| {
                    sql.bind(*name);
                })
                .push(")");
            for row in select.fetch_all(connection).await? {
                numbers.insert(row.text(0)?, row.int(1)?);
            }
        }
        Ok(numbers)
    }

    /// Remembers numbers that a committed transaction used.
    pub(crate) fn remember(&self, numbers: HashMap<String, i64>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if numbers.keys().any(|name| !known.contains_key(name)) {
            known.extend(numbers);
        }
    }
}
