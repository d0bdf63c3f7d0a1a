//! An allocator that counts, for tests that say what is not allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which counts the allocations of at least so many bytes.
///
/// # Example
/// ```
/// use mvl_kernels::CountingAllocator;
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator::new(1 << 20);
/// let before = ALLOCATOR.count();
/// let large = std::hint::black_box(vec![1_u8; 2 << 20]);
/// assert_eq!(ALLOCATOR.count(), before + 1);
/// # drop(large);
/// ```
#[derive(Debug)]
pub struct CountingAllocator {
    least_bytes: usize,
    count: AtomicUsize,
}

impl CountingAllocator {
    /// Counts allocations of at least this size.
    #[must_use]
    pub const fn new(least_bytes: usize) -> Self {
        Self { least_bytes, count: AtomicUsize::new(0) }
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn note(&self, bytes: usize) {
        if bytes >= self.least_bytes {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes to the system's allocator with the arguments as they came, so its promises are kept; counting allocates
// nothing.
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note(layout.size());
        // SAFETY: the caller keeps the contract of this function, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
