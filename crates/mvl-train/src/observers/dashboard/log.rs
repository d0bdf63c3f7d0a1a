//! The last lines that were written, for a panel of the dashboard and for the terminal after it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Older lines are forgotten.
const MAX_LINES: usize = 1000;
/// Longer ones are cut.
const MAX_LINE_BYTES: usize = 4096;

/// Lines; all clones share them.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    whole: VecDeque<String>,
    begun: Vec<u8>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last so many, oldest first.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let lines = self.lock();
        lines.whole.iter().skip(lines.whole.len().saturating_sub(count)).cloned().collect()
    }

    /// All that are left, which are then gone.
    pub(super) fn take(&self) -> VecDeque<String> {
        std::mem::take(&mut self.lock().whole)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.lock();
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&lines.begun).into_owned();
                lines.begun.clear();
                lines.whole.push_back(line);
                if lines.whole.len() > MAX_LINES {
                    lines.whole.pop_front();
                }
            } else if lines.begun.len() < MAX_LINE_BYTES {
                lines.begun.push(byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let mut log = Log::default();
        for line in 0..MAX_LINES + 5 {
            write!(log, "line {line}\nhalf a ").expect("memory");
        }
        assert_eq!(log.last(2), ["half a line 1003", "half a line 1004"]);
        assert_eq!((log.take().len(), log.take().len()), (MAX_LINES, 0));
    }
}
