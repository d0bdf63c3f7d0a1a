//! Memory that goes round: from a worker to a batch and back, from a batch to the device and back. Once an epoch runs, nothing as
//! large as an image is allocated any more.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that wait for their next use.
///
/// At most `spare` of them are kept, whatever is given back.
#[derive(Clone)]
pub(super) struct Buffers<T>(Arc<Shelf<T>>);

struct Shelf<T> {
    spare: usize,
    waiting: Mutex<Vec<Vec<T>>>,
}

impl<T> fmt::Debug for Buffers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").field("spare", &self.0.spare).finish_non_exhaustive()
    }
}

impl<T> Buffers<T> {
    pub(super) fn new(spare: usize) -> Self {
        Self(Arc::new(Shelf { spare, waiting: Mutex::new(Vec::with_capacity(spare)) }))
    }

    /// A buffer with whatever was left in it.
    pub(super) fn take(&self) -> Vec<T> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, buffer: Vec<T>) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < self.0.spare {
            waiting.push(buffer);
        }
    }
}

/// A buffer that goes back when it is dropped, wherever that is.
pub(super) struct Lent<T> {
    values: Vec<T>,
    home: Buffers<T>,
}

impl<T> Lent<T> {
    pub(super) fn new(values: Vec<T>, home: Buffers<T>) -> Self {
        Self { values, home }
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        self.home.give(std::mem::take(&mut self.values));
    }
}

impl AsRef<[u8]> for Lent<u8> {
    fn as_ref(&self) -> &[u8] {
        &self.values
    }
}

impl AsRef<[u8]> for Lent<f32> {
    fn as_ref(&self) -> &[u8] {
        mvl_kernels::bytes_of_floats(&self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lent_buffer_comes_back_and_no_more_are_kept_than_asked() {
        let home = Buffers::<f32>::new(1);
        let lent = Lent::new(vec![1.0, 2.0], home.clone());
        assert_eq!(lent.as_ref().len(), 8);
        drop(lent);
        home.give(vec![3.0]);
        assert_eq!(home.take(), [1.0, 2.0]);
        assert!(home.take().is_empty());
    }
}
