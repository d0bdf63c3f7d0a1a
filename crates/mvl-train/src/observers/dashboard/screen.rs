//! The terminal while a dashboard has it, and how it is given back.

use std::io::{self, Stderr, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;

use super::ansi_backend::{AnsiBackend, ENTER, LEAVE};
use super::view::View;

/// Whether a dashboard is on the screen now; the panic hook must know, and a process has one terminal.
static SHOWN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal's other screen, on standard error. It is left when this is dropped, and before a panic is reported.
pub(super) struct Screen {
    terminal: Terminal<AnsiBackend<Stderr>>,
}

impl Screen {
    pub(super) fn enter() -> io::Result<Self> {
        HOOK.call_once(|| {
            let earlier = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                leave();
                earlier(panic);
            }));
        });
        let terminal = Terminal::new(AnsiBackend::new(io::stderr(), size))?;
        show()?;
        Ok(Self { terminal })
    }

    /// Draws what has changed, or everything.
    pub(super) fn draw(&mut self, view: &View, all: bool) -> io::Result<()> {
        // A thread of somebody else's panicked, and the screen was left for its message.
        let left = !SHOWN.load(Ordering::SeqCst);
        if left {
            show()?;
        }
        if left || all {
            self.terminal.clear()?;
        }
        self.terminal.draw(|frame| view.draw(frame)).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn show() -> io::Result<()> {
    SHOWN.store(true, Ordering::SeqCst);
    let mut out = io::stderr();
    out.write_all(ENTER.as_bytes())?;
    out.flush()
}

fn leave() {
    if SHOWN.swap(false, Ordering::SeqCst) {
        // Nobody is left to be told of a failure.
        let mut out = io::stderr();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }
}

/// Columns and rows.
fn size() -> io::Result<(u16, u16)> {
    let (rows, columns) = console::Term::stderr()
        .size_checked()
        .ok_or_else(|| io::Error::other("the terminal does not tell its size"))?;
    Ok((columns, rows))
}
