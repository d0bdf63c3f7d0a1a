//! Tensors by name out of a file of any format we read. Which format it is, the first bytes say, not the name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use burn::store::bridge;
use burn::store::pytorch_reader::PytorchReader;
use mvl_core::{BoxError, ModelError};

use super::fit::{FileTensor, TensorShape};
use super::hostile_calls;
use super::safetensors;

/// The end of the keys of batch norm's batch counters, which nothing here uses.
const COUNTER: &str = "num_batches_tracked";
/// Keys under which training scripts nest a state dict, and DataParallel's prefix.
const WRAPPERS: [&str; 6] = ["state_dict.", "model_state_dict.", "model.", "module.", "model_ema.", "state_dict_ema."];
/// How many wrappers may lie inside each other.
const MAX_WRAPPERS: usize = 3;

/// Tensors by key; nothing but names, types and shapes has been read yet.
pub(super) type Tensors = HashMap<String, FileTensor>;

/// Opens a weights file.
///
/// # Errors
/// [`ModelError::File`] when there is none, it is of no format we know, damaged, or holds no tensors.
pub(super) fn open(path: &Path) -> Result<Tensors, ModelError> {
    let refuse = |what: &str, source: Option<BoxError>| ModelError::File {
        what: what.to_owned(),
        path: path.display().to_string(),
        source,
    };
    if path.is_dir() {
        return Err(refuse("expected a weights file, found a folder", None));
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(safetensors::PROBE_BYTES).read_to_end(&mut head))
        .map_err(|source| refuse("cannot open the weights", Some(source.into())))?;
    let tensors: Tensors = if safetensors::is_safetensors(&head) {
        safetensors::read(path)
            .map_err(|source| refuse(&format!("cannot read the weights as safetensors: {source}"), None))?
    } else {
        // The reader parses pickles as data: it knows how to build tensors and calls nothing that a file names.
        let unreadable = |source: &dyn std::fmt::Display| {
            refuse(&format!("cannot read the weights as safetensors or as a PyTorch checkpoint: {source}"), None)
        };
        let contents = PytorchReader::read_pickle_data(path, None).map_err(|source| unreadable(&source))?;
        if let Some(call) = hostile_calls::find(&contents) {
            return Err(refuse(&call.to_string(), None));
        }
        let reader = PytorchReader::new(path).map_err(|source| unreadable(&source))?;
        reader.into_tensors().into_values().map(|tensor| (tensor.name.clone(), bridge::from_pytorch(tensor))).collect()
    };
    if tensors.is_empty() {
        return Err(refuse("the file holds no tensors", None));
    }
    Ok(tensors)
}

/// The tensors of a weights file, of any model: keys and shapes in the order of the keys.
///
/// # Errors
/// [`ModelError::File`] when there is none, it is of no format we know, damaged, hostile, or holds no tensors.
pub fn list_tensors(path: &Path) -> Result<Vec<TensorShape>, ModelError> {
    let shape = |(key, tensor): (String, FileTensor)| TensorShape { key, shape: tensor.shape.to_vec() };
    let mut shapes: Vec<_> = open(path)?.into_iter().map(shape).collect();
    shapes.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(shapes)
}

/// Maps a weights file that [`open`] can read: tensors by their names in it. None if it is no safetensors.
///
/// # Errors
/// [`ModelError::File`] when there is none or it is damaged.
pub(super) fn map(path: &Path) -> Result<Tensors, ModelError> {
    let failed = |source: io::Error| ModelError::File {
        what: format!("cannot map the weights: {source}"),
        path: path.display().to_string(),
        source: None,
    };
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(safetensors::PROBE_BYTES).read_to_end(&mut head)).map_err(failed)?;
    if safetensors::is_safetensors(&head) { safetensors::map(path).map_err(failed) } else { Ok(Tensors::new()) }
}

/// Takes off the wrappers in which none of the wanted keys shows, and leaves out what lies beside them, and batch counters.
/// Returns the tensors and how many were left out.
pub(super) fn unwrap(tensors: Tensors, wanted: &[String]) -> (Tensors, usize) {
    let all = tensors.len();
    let prefix = find_prefix(&tensors, wanted, "", MAX_WRAPPERS).unwrap_or_default();
    let kept: Tensors = tensors
        .into_iter()
        .filter(|(key, _)| !key.ends_with(COUNTER))
        .filter_map(|(key, tensor)| Some((key.strip_prefix(&prefix)?.to_owned(), tensor)))
        .collect();
    let left_out = all - kept.len();
    (kept, left_out)
}

/// How many of the wanted keys there are, with the wrappers taken off.
pub(super) fn known(tensors: &Tensors, wanted: &[String]) -> usize {
    let prefix = find_prefix(tensors, wanted, "", MAX_WRAPPERS).unwrap_or_default();
    wanted.iter().filter(|key| tensors.contains_key(&format!("{prefix}{key}"))).count()
}

fn find_prefix(tensors: &Tensors, wanted: &[String], prefix: &str, depth: usize) -> Option<String> {
    if wanted.iter().any(|key| tensors.contains_key(&format!("{prefix}{key}"))) {
        return Some(prefix.to_owned());
    }
    let inside = |wrapper: &&str| {
        let prefix = format!("{prefix}{wrapper}");
        tensors.keys().any(|key| key.starts_with(&prefix)).then_some(prefix)
    };
    if depth == 0 {
        return None;
    }
    WRAPPERS.iter().filter_map(inside).find_map(|prefix| find_prefix(tensors, wanted, &prefix, depth - 1))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bytes, DType};

    use super::*;

    fn tensors(keys: &[&str]) -> Tensors {
        let tensor = |key: &str| FileTensor::new(key.to_owned(), DType::F32, [0], None, Bytes::from_bytes_vec(vec![]));
        keys.iter().map(|&key| (key.to_owned(), tensor(key))).collect()
    }

    fn unwrapped(keys: &[&str]) -> (Vec<String>, usize) {
        let (kept, left_out) = unwrap(tensors(keys), &["fc.weight".to_owned()]);
        let mut names: Vec<String> = kept.into_keys().collect();
        names.sort();
        (names, left_out)
    }

    #[test]
    fn wrappers_and_what_lies_beside_them_come_off() {
        let expected = vec!["conv.weight".to_owned(), "fc.weight".to_owned()];
        assert_eq!(unwrapped(&["fc.weight", "conv.weight", "bn.num_batches_tracked"]), (expected.clone(), 1));
        assert_eq!(unwrapped(&["model.module.fc.weight", "model.module.conv.weight", "ema.0"]), (expected, 1));
    }

    #[test]
    fn what_is_not_wrapped_stays() {
        assert_eq!(unwrapped(&["model.other"]), (vec!["model.other".to_owned()], 0));
    }
}
