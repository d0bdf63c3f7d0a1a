//! [`Signature`]: which tensors a model takes and gives.

use super::{DataType, HostTensor, TensorError};

/// What is known of a tensor before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// Its elements' type.
    pub datatype: DataType,
    /// Lengths of its axes; `None` for one that may have any length.
    pub shape: Vec<Option<usize>>,
}

impl TensorSpec {
    /// A spec; -1 stands for an axis of any length.
    ///
    /// # Panics
    /// For a length below -1.
    pub fn new(name: impl Into<String>, datatype: DataType, shape: &[i64]) -> Self {
        let side = |&side: &i64| (side != -1).then(|| usize::try_from(side).expect("a length of at least -1"));
        Self { name: name.into(), datatype, shape: shape.iter().map(side).collect() }
    }

    /// The shape as protocols write it, with -1 for an axis of any length.
    pub fn wire_shape(&self) -> Vec<i64> {
        self.shape.iter().map(|side| side.map_or(-1, |side| i64::try_from(side).unwrap_or(i64::MAX))).collect()
    }

    /// Whether a tensor is of this kind.
    ///
    /// # Errors
    /// When its type or shape is another.
    pub fn check(&self, tensor: &HostTensor) -> Result<(), TensorError> {
        let Self { name, datatype, shape } = self;
        if tensor.datatype() != *datatype {
            return Err(TensorError(format!("{name:?}: expected datatype {datatype}, got {}", tensor.datatype())));
        }
        let fits = |(want, &got): (&Option<usize>, &usize)| want.is_none_or(|want| want == got);
        if tensor.shape().len() != shape.len() || !shape.iter().zip(tensor.shape()).all(fits) {
            return Err(TensorError(format!(
                "{name:?}: expected shape {:?}, got {:?}",
                self.wire_shape(),
                tensor.shape()
            )));
        }
        Ok(())
    }
}

/// Which tensors a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What it takes, in the order in which an engine wants it.
    pub inputs: Vec<TensorSpec>,
    /// What it gives, in the order in which an engine gives it.
    pub outputs: Vec<TensorSpec>,
    /// Whether the first axis of every tensor counts samples that do not know of each other, so that requests may share a
    /// forward pass.
    pub batched: bool,
}

impl Signature {
    /// Puts named inputs into the engine's order and checks each. All batched inputs must have the same number of rows.
    ///
    /// # Errors
    /// When one is missing, too many, given twice, or not as its spec says.
    pub fn arrange(&self, mut given: Vec<(String, HostTensor)>) -> Result<Vec<HostTensor>, TensorError> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for spec in &self.inputs {
            let place = given.iter().position(|(name, _)| *name == spec.name);
            let place = place.ok_or_else(|| TensorError(format!("expected input {:?}, it is missing", spec.name)))?;
            let (_, tensor) = given.swap_remove(place);
            spec.check(&tensor)?;
            inputs.push(tensor);
        }
        if let Some((name, _)) = given.first() {
            let known: Vec<&str> = self.inputs.iter().map(|spec| spec.name.as_str()).collect();
            return Err(TensorError(format!(
                "unexpected input {name:?}; the model takes {}, each once",
                known.join(", ")
            )));
        }
        if self.batched {
            let mut rows = inputs.iter().map(|input| input.shape().first().copied());
            let first = rows.next().flatten();
            if !rows.all(|rows| rows == first) {
                return Err(TensorError("expected the same first dimension of all inputs".to_owned()));
            }
            if first == Some(0) {
                return Err(TensorError("expected at least one row, got a first dimension of 0".to_owned()));
            }
        }
        Ok(inputs)
    }

    /// Zeros for every input, so many rows of them, to warm an engine up. `None` where a side is open or an input holds texts: what would
    /// fit is not known.
    pub fn zeros(&self, rows: usize) -> Option<Vec<HostTensor>> {
        let zeros = |spec: &TensorSpec| {
            let mut shape = spec.shape.clone();
            if let (true, Some(first)) = (self.batched, shape.first_mut()) {
                *first = Some(rows);
            }
            let shape = shape.into_iter().collect::<Option<Vec<usize>>>()?;
            let bytes = vec![0; shape.iter().product::<usize>() * spec.datatype.size()?];
            HostTensor::new(spec.datatype, shape, bytes.into()).ok()
        };
        self.inputs.iter().map(zeros).collect()
    }

    /// Checks what an engine gave.
    ///
    /// # Errors
    /// When a tensor is missing, too many, or not as its spec says.
    pub fn check_outputs(&self, outputs: &[HostTensor]) -> Result<(), TensorError> {
        if outputs.len() != self.outputs.len() {
            return Err(TensorError(format!("expected {} outputs, got {}", self.outputs.len(), outputs.len())));
        }
        self.outputs.iter().zip(outputs).try_for_each(|(spec, output)| spec.check(output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> Signature {
        let inputs = vec![TensorSpec::new("a", DataType::Fp32, &[-1, 2]), TensorSpec::new("b", DataType::Bytes, &[-1])];
        Signature { inputs, outputs: Vec::new(), batched: true }
    }

    #[test]
    fn inputs_are_put_in_order() {
        let (a, b) = (HostTensor::from_f32(vec![1, 2], &[0.0; 2]), HostTensor::from_texts(vec![1], &["x"]));
        let given = vec![("b".to_owned(), b.clone()), ("a".to_owned(), a.clone())];
        assert_eq!(signature().arrange(given).expect("all there"), [a, b]);
    }

    #[test]
    fn zeros_are_made_where_the_sides_are_known() {
        let of = |spec| Signature { inputs: vec![spec], outputs: Vec::new(), batched: true };
        let zeros = of(TensorSpec::new("a", DataType::Fp32, &[-1, 2])).zeros(3).expect("known");
        assert_eq!(zeros, [HostTensor::from_f32(vec![3, 2], &[0.0; 6])]);
        assert_eq!(of(TensorSpec::new("a", DataType::Fp32, &[-1, -1])).zeros(3), None);
        assert_eq!(of(TensorSpec::new("a", DataType::Bytes, &[-1])).zeros(3), None);
    }

    #[test]
    fn other_inputs_are_refused() {
        let a = |rows| ("a".to_owned(), HostTensor::from_f32(vec![rows, 2], &vec![0.0; rows * 2]));
        let b = |rows| ("b".to_owned(), HostTensor::from_texts(vec![rows], &vec!["x"; rows]));
        let wrong_type = ("b".to_owned(), HostTensor::from_f32(vec![1], &[0.0]));
        let wrong_shape = ("a".to_owned(), HostTensor::from_f32(vec![1, 3], &[0.0; 3]));
        for (given, message) in [
            (vec![a(1)], "\"b\""),
            (vec![a(1), b(1), a(1)], "unexpected input \"a\""),
            (vec![a(1), wrong_type], "expected datatype BYTES"),
            (vec![wrong_shape, b(1)], "expected shape [-1, 2], got [1, 3]"),
            (vec![a(1), b(2)], "same first dimension"),
            (vec![a(0), b(0)], "at least one row"),
        ] {
            let error = signature().arrange(given).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
