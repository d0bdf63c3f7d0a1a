//! [`make_room`]: a table of open files that need not grow while requests are answered.

use tokio::net::TcpListener;

/// Files beside connections: models, logs, connections to others.
#[cfg(unix)]
const OTHERS: usize = 256;

/// Makes the process's table of open files large enough for so many connections. Linux doubles it when it is full, and then every thread
/// that opens a file waits for 10 to 15 ms (`expand_fdtable` waits until all processors have seen the new table), in the midst of requests.
/// Where the system allows fewer files, for as many as it does.
#[cfg(unix)]
pub(super) fn make_room(listener: &TcpListener, connections: usize) {
    let mut least = i32::try_from(connections.saturating_add(OTHERS)).unwrap_or(i32::MAX);
    // A file with a high number needs a large table, which stays when the file is closed.
    while least > 0 && rustix::io::fcntl_dupfd_cloexec(listener, least).is_err() {
        least /= 2;
    }
}

/// Nothing needs to be done here.
#[cfg(not(unix))]
pub(super) fn make_room(_: &TcpListener, _: usize) {}
