//! What is frozen for the first epochs does not move by a bit, statistics included, and learns afterwards; also over a resume between.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use mvl_core::{Backend, Cpu, ParameterGroupsConfig};
use mvl_train::{FreezeConfig, StopToken, TrainConfig, Trainer, prepare_model};

use crate::tiny::{STEPS, StopAfter, TinyLoader, TinyNet, TinyTask, config, one_run_at_a_time};

const FROZEN_EPOCHS: usize = 2;
const EPOCHS: usize = 3;

#[test]
fn what_is_frozen_stays_to_the_bit_and_learns_afterwards() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // All that moves weights without a gradient of their own: decay and momentum.
    let freeze = |pattern: &str| FreezeConfig { pattern: pattern.to_owned(), until_epoch: Some(FROZEN_EPOCHS) };
    let groups = ParameterGroupsConfig { decay_vectors: true, layer_decay: 0.8, ..ParameterGroupsConfig::default() };
    let settings =
        TrainConfig { freeze: vec![freeze("conv"), freeze("norm")], parameter_groups: Some(groups), ..config(EPOCHS) };
    let fit = |stop: StopToken, start: Option<&TinyNet>| {
        let last_frozen_step = FROZEN_EPOCHS * STEPS - 1;
        let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings.clone())
            .expect("valid")
            .with_run_dir(folder.path())
            .with_resume(true)
            .with_stop(stop.clone());
        if start.is_some() {
            trainer = trainer.with_observer(StopAfter { global_step: last_frozen_step, token: stop });
        }
        let (device, plain) = (trainer.training_device().expect("a CPU"), trainer.device().expect("a CPU"));
        let model = start.cloned().unwrap_or_else(|| TinyNet::new(&device));
        trainer.fit(model, &TinyLoader::train(&device), Some(&TinyLoader::valid(&plain))).expect("trains").model
    };
    let device = Cpu::device(0).expect("a CPU").autodiff();
    let start = prepare_model(TinyNet::new(&device), &device, settings.seed);
    let before = bits_by_path(&start);
    let frozen = bits_by_path(&fit(StopToken::new(), Some(&start)));
    let after = bits_by_path(&fit(StopToken::new(), None));
    for (path, bits) in &before {
        let is_frozen = !path.starts_with("linear");
        assert_eq!(frozen[path] == *bits, is_frozen, "{path} in the frozen epochs");
        assert_ne!(after[path], frozen[path], "{path} after them");
    }
    assert!(before.contains_key("norm.running_mean") && before.contains_key("conv.weight"), "{:?}", before.keys());
}

/// The floats of each parameter and statistic, as bits.
fn bits_by_path(model: &TinyNet) -> BTreeMap<String, Vec<u32>> {
    #[derive(Default)]
    struct Bits {
        path: Vec<String>,
        found: BTreeMap<String, Vec<u32>>,
    }
    impl ModuleVisitor for Bits {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let bits = param.val().into_data().iter::<f32>().map(f32::to_bits).collect();
            self.found.insert(self.path.join("."), bits);
        }
    }
    let mut bits = Bits::default();
    model.valid().visit(&mut bits);
    bits.found
}
