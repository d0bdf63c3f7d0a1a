//! Whether an ensemble's steps go together, and which tensors it takes and gives. All problems are told at once.

use std::collections::BTreeMap;

use mvl_infer::{Signature, TensorSpec};

use super::EnsembleConfig;

/// Where a tensor comes from.
enum Origin {
    /// The ensemble's input.
    Input,
    /// A step's output.
    Step(TensorSpec),
}

/// What is known of a tensor once two have spoken of it. `None` when they do not agree.
fn agreed(first: &TensorSpec, second: &TensorSpec) -> Option<TensorSpec> {
    if first.datatype != second.datatype || first.shape.len() != second.shape.len() {
        return None;
    }
    let sides = first.shape.iter().zip(&second.shape).map(|(&first, &second)| match (first, second) {
        (Some(first), Some(second)) if first != second => None,
        (first, second) => Some(first.or(second)),
    });
    Some(TensorSpec { shape: sides.collect::<Option<_>>()?, ..first.clone() })
}

fn told(spec: &TensorSpec) -> String {
    format!("{}{:?}", spec.datatype, spec.wire_shape())
}

fn listed(specs: &[TensorSpec]) -> String {
    specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The ensemble's signature, if its steps, whose signatures are given where they are known, go together.
pub(super) fn check(config: &EnsembleConfig, signatures: &[Option<Signature>]) -> Result<Signature, Vec<String>> {
    let mut problems = Vec::new();
    if config.steps.is_empty() || config.inputs.is_empty() || config.outputs.is_empty() {
        problems.push("expected a step, an input and an output at least".to_owned());
    }
    let mut origins: BTreeMap<&str, Origin> = BTreeMap::new();
    for name in &config.inputs {
        if origins.insert(name, Origin::Input).is_some() {
            problems.push(format!("input {name:?} is named twice"));
        }
    }
    let steps: Vec<_> = config.steps.iter().zip(signatures).enumerate().collect();
    // Every tensor has one origin.
    for (place, (step, signature)) in &steps {
        let name = step.name(*place);
        for (output, tensor) in &step.outputs {
            let spec = signature.as_ref().map(|signature| {
                let spec = signature.outputs.iter().find(|spec| spec.name == *output);
                if spec.is_none() {
                    let known = listed(&signature.outputs);
                    problems.push(format!("{name} gives no output {output:?}; it gives {known}"));
                }
                spec
            });
            // What is not known of a step is told already.
            let spec =
                spec.flatten().cloned().unwrap_or_else(|| TensorSpec::new(output, mvl_infer::DataType::Bytes, &[]));
            if origins.insert(tensor, Origin::Step(spec)).is_some() {
                problems.push(format!("{name} gives tensor {tensor:?}, which is given before"));
            }
        }
    }
    // Every step has its inputs, and they are of its types.
    let mut inputs: BTreeMap<&str, TensorSpec> = BTreeMap::new();
    for (place, (step, signature)) in &steps {
        let name = step.name(*place);
        for (input, tensor) in &step.inputs {
            let Some(origin) = origins.get(tensor.as_str()) else {
                problems.push(format!("{name} needs tensor {tensor:?}, which nothing gives"));
                continue;
            };
            let Some(signature) = signature else { continue };
            let Some(spec) = signature.inputs.iter().find(|spec| spec.name == *input) else {
                let known = listed(&signature.inputs);
                problems.push(format!("{name} takes no input {input:?}; it takes {known}"));
                continue;
            };
            let wrong = |other: &TensorSpec| {
                format!("{name} takes {input:?} as {}, but {tensor:?} is {}", told(spec), told(other))
            };
            match origin {
                Origin::Step(given) => {
                    if config_knows(&steps, tensor) && agreed(given, spec).is_none() {
                        problems.push(wrong(given));
                    }
                }
                Origin::Input => match inputs.get(tensor.as_str()) {
                    None => drop(inputs.insert(tensor, TensorSpec { name: tensor.clone(), ..spec.clone() })),
                    Some(known) => match agreed(known, spec) {
                        Some(spec) => drop(inputs.insert(tensor, spec)),
                        None => problems.push(wrong(known)),
                    },
                },
            }
        }
        let given = |spec: &&TensorSpec| !step.inputs.contains_key(&spec.name);
        for missing in signature.iter().flat_map(|signature| &signature.inputs).filter(given) {
            problems.push(format!("{name} needs its input {:?}", missing.name));
        }
    }
    problems.extend(circle(config));
    let mut outputs = Vec::new();
    for (place, name) in config.outputs.iter().enumerate() {
        if config.outputs[..place].contains(name) {
            problems.push(format!("output {name:?} is named twice"));
        }
        match origins.get(name.as_str()) {
            Some(Origin::Step(spec)) => outputs.push(TensorSpec { name: name.clone(), ..spec.clone() }),
            Some(Origin::Input) => problems.push(format!("output {name:?} is an input too")),
            None => problems.push(format!("output {name:?} is given by no step")),
        }
    }
    let known = signatures.iter().all(Option::is_some);
    for name in config.inputs.iter().filter(|name| known && !inputs.contains_key(name.as_str())) {
        problems.push(format!("input {name:?} is taken by no step"));
    }
    if !problems.is_empty() || !known {
        return Err(problems);
    }
    let inputs = config.inputs.iter().filter_map(|name| inputs.remove(name.as_str())).collect();
    let batched = signatures.iter().flatten().all(|signature| signature.batched);
    Ok(Signature { inputs, outputs, batched })
}

/// Whether the step that gives a tensor is known well enough to speak of the tensor's type.
fn config_knows(steps: &[(usize, (&super::StepConfig, &Option<Signature>))], tensor: &str) -> bool {
    steps.iter().any(|(_, (step, signature))| {
        let output = step.outputs.iter().find(|(_, given)| *given == tensor).map(|(output, _)| output);
        output.is_some_and(|output| {
            signature.as_ref().is_some_and(|known| known.outputs.iter().any(|spec| spec.name == *output))
        })
    })
}

/// The steps that wait for each other, if some do.
fn circle(config: &EnsembleConfig) -> Option<String> {
    let mut left: Vec<usize> = (0..config.steps.len()).collect();
    loop {
        let waits = |&place: &usize| {
            config.steps[place].inputs.values().any(|tensor| {
                left.iter().any(|&other| config.steps[other].outputs.values().any(|given| given == tensor))
            })
        };
        let still: Vec<usize> = left.iter().copied().filter(waits).collect();
        if still.is_empty() {
            return None;
        }
        if still.len() == left.len() {
            let names: Vec<String> = still.into_iter().map(|place| config.steps[place].name(place)).collect();
            return Some(format!("{} wait for each other", names.join(", ")));
        }
        left = still;
    }
}

#[cfg(test)]
mod tests {
    use mvl_infer::DataType;
    use serde_json::{Value, json};

    use super::*;

    fn signature(inputs: &[(&str, DataType, &[i64])], outputs: &[(&str, DataType, &[i64])]) -> Signature {
        let specs = |specs: &[(&str, DataType, &[i64])]| {
            specs.iter().map(|(name, datatype, shape)| TensorSpec::new(*name, *datatype, shape)).collect()
        };
        Signature { inputs: specs(inputs), outputs: specs(outputs), batched: true }
    }

    /// `a` turns x (FP32 [-1, -1]) into y (FP32 [-1, 4]); `b` turns u (FP32 [-1, 4]) into v (BYTES [-1]).
    fn checked(config: Value) -> Result<Signature, Vec<String>> {
        let config: EnsembleConfig = serde_json::from_value(config).expect("a config");
        let known = config.steps.iter().map(|step| match step.model.as_deref() {
            Some("a") => Some(signature(&[("x", DataType::Fp32, &[-1, -1])], &[("y", DataType::Fp32, &[-1, 4])])),
            Some("b") => Some(signature(&[("u", DataType::Fp32, &[-1, 4])], &[("v", DataType::Bytes, &[-1])])),
            _ => None,
        });
        let known: Vec<_> = known.collect();
        check(&config, &known)
    }

    #[test]
    fn types_follow_from_the_steps() {
        let a = json!({ "model": "a", "inputs": { "x": "in" }, "outputs": { "y": "middle" } });
        let b = json!({ "model": "b", "inputs": { "u": "middle" }, "outputs": { "v": "out" } });
        let signature = checked(json!({ "inputs": ["in"], "outputs": ["out"], "steps": [b, a] })).expect("right");
        assert_eq!(signature.inputs, [TensorSpec::new("in", DataType::Fp32, &[-1, -1])]);
        assert_eq!(signature.outputs, [TensorSpec::new("out", DataType::Bytes, &[-1])]);
        assert!(signature.batched);
        // What two steps say of an input comes together.
        let both = json!({ "model": "b", "inputs": { "u": "in" }, "outputs": { "v": "out" } });
        let signature = checked(json!({ "inputs": ["in"], "outputs": ["out", "middle"], "steps": [a, both] }));
        assert_eq!(signature.expect("right").inputs, [TensorSpec::new("in", DataType::Fp32, &[-1, 4])]);
    }

    #[test]
    fn every_problem_is_named() {
        let problems = checked(json!({
            "inputs": ["in", "in", "unused"],
            "outputs": ["nowhere", "in", "t", "t"],
            "steps": [
                { "model": "a", "inputs": { "x": "lost", "extra": "in" }, "outputs": { "y": "t", "z": "w" } },
                { "model": "b", "inputs": {}, "outputs": { "v": "t" } },
                { "model": "b", "inputs": { "u": "text" }, "outputs": { "v": "text" } },
            ],
        }))
        .expect_err("wrong");
        for expected in [
            "input \"in\" is named twice",
            "input \"unused\" is taken by no step",
            "output \"nowhere\" is given by no step",
            "output \"in\" is an input too",
            "output \"t\" is named twice",
            "step 0 (model \"a\") needs tensor \"lost\", which nothing gives",
            "step 0 (model \"a\") takes no input \"extra\"; it takes x",
            "step 0 (model \"a\") gives no output \"z\"; it gives y",
            "step 1 (model \"b\") needs its input \"u\"",
            "step 1 (model \"b\") gives tensor \"t\", which is given before",
            "step 2 (model \"b\") takes \"u\" as FP32[-1, 4], but \"text\" is BYTES[-1]",
            "step 2 (model \"b\") wait for each other",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:#?}");
        }
    }
}
