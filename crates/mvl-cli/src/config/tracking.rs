//! `[tracking]`: where a run is recorded, and under which name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `[tracking]`. Every run is recorded in the workspace, `.mvl` in the folder that the program runs in, unless it is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackingConfig {
    /// Whether the run is recorded.
    pub enabled: bool,
    /// The experiment it belongs to; `Default` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Its name; the run's folder if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// Names and values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Figures of every so many steps.
    pub every_steps: usize,
    /// Whether CPU, memory, disk and network are recorded, too, every ten seconds, as `system/…`.
    pub system_metrics: bool,
    /// Registers the best checkpoint as the next version of this model, when the run comes to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
}

impl Default for TrackingConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            experiment: None,
            run_name: None,
            tags: BTreeMap::new(),
            every_steps: 10,
            system_metrics: true,
            register: None,
        }
    }
}

impl TrackingConfig {
    /// What is wrong with it, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.every_steps == 0 {
            problems.push("every_steps: expected at least 1, got 0".to_owned());
        }
        let names = [("experiment", &self.experiment), ("run_name", &self.run_name), ("register", &self.register)];
        for (field, name) in names {
            if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
                problems.push(format!("{field}: expected a name, got nothing"));
            }
        }
        if self.register.is_some() && !self.enabled {
            problems
                .push("register: a run that is not recorded registers no model; leave out enabled = false".to_owned());
        }
        problems
    }
}
