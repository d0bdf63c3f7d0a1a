//! A server's config once resolved and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mvl_serve::ensemble::EnsembleConfig;
use mvl_serve::models::is_model_name;
use mvl_serve::telemetry::TelemetryOptions;
use mvl_serve::upstream::{UpstreamModels, UpstreamOptions};
use mvl_serve::{GatewayOptions, ServiceOptions};
use serde::Serialize;

use super::{GatewayTable, ModelSettings, ModelTable, ServeFile, ServedModel, ServiceTable, Slots, StoresTable};
use crate::backends::BackendChoice;
use crate::config::ConfigProblems;
use crate::config::reader::{Override, read_layers};

/// What is said to come from flags.
pub(crate) const COMMAND_LINE: &str = "the command line";
/// The version of the file's format.
const FORMAT: u32 = 1;

/// Everything that decides what a server does. Written out, it is a [`ServeFile`] again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ServeConfig {
    /// Format of the file; 1.
    pub version: u32,
    /// Where to compute.
    pub backend: BackendChoice,
    /// Which device of the backend, for models of which nothing is said.
    pub device: usize,
    /// How many forward passes may run at once, over all models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<Slots>,
    /// Every how many seconds it is looked whether sources stand for other versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_seconds: Option<u64>,
    /// Where the server listens, who may ask, and how much it takes.
    pub gateway: GatewayTable,
    /// What is offered, and how far.
    pub service: ServiceTable,
    /// What is logged and where traces go.
    pub log: TelemetryOptions,
    /// Where models from object stores are kept.
    pub stores: StoresTable,
    /// Servers that may be asked for models, and hooks.
    #[serde(skip_serializing_if = "is_default")]
    pub upstreams: UpstreamOptions,
    /// Models made of others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ensembles: BTreeMap<String, EnsembleConfig>,
    /// What goes for models that are made later.
    pub defaults: ModelSettings,
    /// What is served.
    pub models: Vec<ServedModel>,
}

impl ServeConfig {
    /// Reads a file, if one is given, lays the overrides over it and adds the named models, of which one that the file has gets another
    /// source. All problems come at once.
    pub(crate) fn read(
        path: Option<&Path>,
        overrides: Vec<Override>,
        named: Vec<(String, String)>,
    ) -> anyhow::Result<Self> {
        let (mut file, problems, mut origins): (ServeFile, _, _) = read_layers(path, overrides, |_| {})?;
        for (name, source) in named {
            match file.models.iter_mut().find(|model| model.name.as_ref() == Some(&name)) {
                Some(model) => model.source = Some(source),
                None => {
                    origins.lay_over(format!("models[{}]", file.models.len()), Some(COMMAND_LINE.to_owned()));
                    file.models.push(ModelTable { name: Some(name), source: Some(source), ..ModelTable::default() });
                }
            }
        }
        Self::resolve(file, problems).map_err(|problems| problems.told_from(&origins).into())
    }

    /// Resolves and checks what was typed; `problems` are those of reading it.
    pub(crate) fn resolve(file: ServeFile, mut problems: Vec<String>) -> Result<Self, ConfigProblems> {
        let mut expect = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        let version = file.version.unwrap_or(FORMAT);
        expect(version == FORMAT, format!("version: expected {FORMAT}, got {version}"));
        expect(file.poll_seconds != Some(0), "poll_seconds: expected at least 1, got 0".to_owned());
        problems.extend(file.gateway.problems().into_iter().map(|text| format!("gateway.{text}")));
        if !(0.0..=1.0).contains(&file.log.sample) {
            problems.push(format!("log.sample: expected 0 to 1, got {}", file.log.sample));
        }
        problems.extend(file.stores.problems().into_iter().map(|text| format!("stores.{text}")));
        problems.extend(file.service.problems().into_iter().map(|text| format!("service.{text}")));
        problems.extend(file.defaults.problems_as_defaults().into_iter().map(|text| format!("defaults.{text}")));
        problems.extend(file.upstreams.problems().into_iter().map(|text| format!("upstreams.{text}")));
        let defaults = file.defaults.over(&ModelSettings::default());
        let models = models(&file.models, &defaults, &mut problems);
        if !problems.is_empty() {
            return Err(ConfigProblems::new(problems));
        }
        Ok(Self {
            version,
            backend: file.backend.unwrap_or_default(),
            device: file.device.unwrap_or(0),
            slots: file.slots,
            poll_seconds: file.poll_seconds,
            gateway: file.gateway,
            service: file.service,
            log: file.log,
            stores: file.stores,
            upstreams: file.upstreams,
            ensembles: file.ensembles,
            defaults,
            models,
        })
    }

    /// For the library, without what is read from files.
    pub(crate) fn gateway_options(&self) -> GatewayOptions {
        self.gateway.options()
    }

    /// For the library.
    pub(crate) fn service_options(&self) -> ServiceOptions {
        self.service.options(self.gateway_options().body_bytes)
    }

    /// For the library. What a person has written as a model's source may be asked.
    pub(crate) fn upstream_options(&self) -> UpstreamOptions {
        let mut options = self.upstreams.clone();
        let shares = |model: &ServedModel| [model.canary.clone(), model.shadow.clone()].into_iter().flatten();
        let shared = self.models.iter().flat_map(shares).map(|share| share.source);
        for source in self.models.iter().map(|model| model.source.clone()).chain(shared) {
            if UpstreamModels::takes(&source) {
                options.hosts.extend(UpstreamModels::hosts_of(&source));
            }
        }
        options
    }

    /// The whole config as TOML.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub(crate) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

fn is_default(options: &UpstreamOptions) -> bool {
    *options == UpstreamOptions::default()
}

/// The models with everything that is said of them; what is wrong with them is noted.
fn models(tables: &[ModelTable], defaults: &ModelSettings, problems: &mut Vec<String>) -> Vec<ServedModel> {
    let mut names = BTreeSet::new();
    let mut models = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let here = format!("models[{place}]");
        problems.extend(table.problems().into_iter().map(|text| format!("{here}.{text}")));
        match &table.name {
            None => problems.push(format!("{here}.name: expected a name, got nothing")),
            Some(name) if !is_model_name(name) => problems.push(format!(
                "{here}.name: expected at most 128 letters, digits, '_', '-' and '.', not beginning with '.', got {name:?}"
            )),
            Some(name) if !names.insert(name) => {
                problems.push(format!("{here}.name: there is a model {name:?} before it"));
            }
            Some(_) => {}
        }
        if table.source.as_deref().is_none_or(|source| source.trim().is_empty()) {
            problems.push(format!("{here}.source: expected a folder or an address, got nothing"));
        }
        let settings = table.over(defaults);
        if let Err(error) = settings.engine_options().check_for(settings.replicas) {
            problems.push(format!("{here}.engine: {error}"));
        }
        models.push(ServedModel {
            name: table.name.clone().unwrap_or_default(),
            source: table.source.clone().unwrap_or_default(),
            settings,
            canary: table.canary.clone(),
            shadow: table.shadow.clone(),
        });
    }
    models
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServeConfig, ConfigProblems> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("serve.toml");
        std::fs::write(&path, text).expect("writable");
        ServeConfig::read(Some(&path), Vec::new(), Vec::new())
            .map_err(|error| error.downcast::<ConfigProblems>().expect("problems"))
    }

    const WHOLE: &str = r#"
        version = 1
        poll_seconds = 10
        [gateway]
        address = "127.0.0.1:9000"
        drain_ms = 500
        [defaults]
        replicas = 2
        timeout_ms = 1000
        [[models]]
        name = "shoes"
        source = "models:/shoes@champion"
        replicas = 3
        canary = { source = "models:/shoes/4", percent = 5 }
        [[models]]
        name = "hats"
        source = "runs/hats"
        devices = [0, 1]
        precision = "int8"
    "#;

    #[test]
    fn models_take_what_they_do_not_say_from_the_defaults() {
        let config = read(WHOLE).expect("right");
        let [shoes, hats] = &config.models[..] else { panic!("two models") };
        assert_eq!((shoes.settings.replicas, hats.settings.replicas), (3, 2));
        assert_eq!((shoes.settings.timeout_ms, hats.settings.max_batch_size), (1000, 8));
        let engine = hats.definition().engine;
        assert_eq!((engine.devices, engine.precision.name()), (vec![0, 1], "int8"));
        assert!(shoes.definition().engine.devices.is_empty());
        let alone = WHOLE.replace("replicas = 2", "replicas = 1");
        let problems = read(&alone).expect_err("a device for nothing").to_string();
        assert!(problems.contains("models[1].engine") && problems.contains("each of 2 devices, got 1"), "{problems}");
        assert_eq!(shoes.canary.as_ref().map(|canary| canary.percent), Some(5));
        assert_eq!(config.gateway_options().address.port(), 9000);
    }

    #[test]
    fn what_is_written_out_is_the_same_config_again() {
        let config = read(WHOLE).expect("right");
        assert_eq!(read(&config.to_toml().expect("TOML")).expect("right"), config);
    }

    #[test]
    fn every_mistake_is_listed_with_its_path() {
        let problems = read(
            r#"
            version = 2
            slots = 0
            [gateway]
            adress = "127.0.0.1:1"
            address = "0.0.0.0:80"
            connections = 0
            [stores]
            cache_mib = 0
            [service]
            max_pictures = "many"
            [defaults]
            name = "a"
            replicas = 1000
            [[models]]
            name = "../x"
            source = "runs/x"
            [[models]]
            name = "b"
            timeout_ms = 0
            engine_threads = 2
            canary = { source = "runs/b", percent = 101 }
            [[models]]
            name = "b"
            source = ""
            "#,
        )
        .expect_err("wrong");
        let paths: Vec<&str> = problems.problems().iter().filter_map(|line| line.split(": ").next()).collect();
        let mut expected = vec![
            "version",
            "slots",
            "gateway.adress",
            "gateway.address",
            "gateway.connections",
            "service.max_pictures",
            "stores.cache_mib",
            "defaults.name",
            "defaults.replicas",
            "models[0].name",
            "models[1].source",
            "models[1].engine",
            "models[1].timeout_ms",
            "models[1].canary.percent",
            "models[2].name",
            "models[2].source",
        ];
        let mut paths = paths;
        paths.sort_unstable();
        expected.sort_unstable();
        assert_eq!(paths, expected, "{problems}");
    }

    #[test]
    fn flags_go_over_the_environment_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("serve.toml");
        std::fs::write(&path, "slots = \"auto\"\npoll_seconds = 1\ndevice = 0\n").expect("writable");
        let variable = |name: &str, value: &str| (format!("MVL_SERVE__{name}"), value.to_owned());
        let variables = [variable("POLL_SECONDS", "2"), variable("DEVICE", "2")];
        let mut overrides = crate::config::serve::environment_overrides(variables.into_iter());
        overrides.push(Override::new("device", 3));
        let named = vec![("a".to_owned(), "identity:FP32".to_owned())];
        let config = ServeConfig::read(Some(&path), overrides, named).expect("right");
        assert_eq!((config.slots, config.poll_seconds, config.device), (Some(Slots::Auto), Some(2), 3));
        assert_eq!(config.models[0].source, "identity:FP32");

        let wrong = crate::config::serve::environment_overrides([variable("GATEWAY__PORT", "80")].into_iter());
        let error = ServeConfig::read(None, wrong, Vec::new()).expect_err("unknown").to_string();
        assert!(error.contains("gateway.port: unknown field") && error.contains("MVL_SERVE__GATEWAY__PORT"), "{error}");

        // What is found out later says where it comes from too.
        std::fs::write(&path, "poll_seconds = 0\n[defaults]\nreplicas = 0\n[gateway]\nconnections = 0\n")
            .expect("writable");
        let mut overrides =
            crate::config::serve::environment_overrides([variable("DEFAULTS__REPLICAS", "0")].into_iter());
        overrides.push(Override::new("gateway.connections", 0).read_from(COMMAND_LINE));
        let named = vec![("../x".to_owned(), "identity:FP32".to_owned())];
        let error = ServeConfig::read(Some(&path), overrides, named).expect_err("wrong").to_string();
        let lines: Vec<&str> = error.lines().collect();
        for (key, origin) in [
            ("poll_seconds", path.to_str().expect("UTF-8")),
            ("defaults.replicas", "MVL_SERVE__DEFAULTS__REPLICAS"),
            ("gateway.connections", COMMAND_LINE),
            ("models[0].name", COMMAND_LINE),
        ] {
            let line = lines.iter().find(|line| line.trim_start().starts_with(key));
            assert!(line.is_some_and(|line| line.ends_with(&format!(" (from {origin})"))), "{key}: {error}");
        }
    }
}
