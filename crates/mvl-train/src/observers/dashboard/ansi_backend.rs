//! Draws for ratatui with ANSI escapes, which every terminal of today knows.
//!
//! ratatui's own backends can read keys as well, for which they bring an event loop; a dashboard only draws.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// The other screen, without a cursor; what was on the first stays.
pub(super) const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Plain letters, the cursor, the first screen.
pub(super) const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// Escapes go to `out` in one piece a frame.
pub(super) struct AnsiBackend<W: Write> {
    out: W,
    /// Columns and rows of the terminal.
    size: fn() -> io::Result<(u16, u16)>,
    frame: Vec<u8>,
    cursor: Position,
}

impl<W: Write> AnsiBackend<W> {
    pub(super) fn new(out: W, size: fn() -> io::Result<(u16, u16)>) -> Self {
        Self { out, size, frame: Vec::new(), cursor: Position::ORIGIN }
    }

    fn put(&mut self, escape: &str) -> io::Result<()> {
        self.frame.write_all(escape.as_bytes())
    }
}

impl<W: Write> Backend for AnsiBackend<W> {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        let (mut next, mut style) = (None, None);
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                write!(self.frame, "\x1b[{};{}H", y + 1, x + 1)?;
            }
            let wanted = (cell.fg, cell.bg, cell.modifier);
            if style != Some(wanted) {
                self.put("\x1b[0m")?;
                for (modifier, escape) in
                    [(Modifier::BOLD, "\x1b[1m"), (Modifier::DIM, "\x1b[2m"), (Modifier::REVERSED, "\x1b[7m")]
                {
                    if cell.modifier.contains(modifier) {
                        self.put(escape)?;
                    }
                }
                color(&mut self.frame, cell.fg, 30)?;
                color(&mut self.frame, cell.bg, 40)?;
                style = Some(wanted);
            }
            self.put(cell.symbol())?;
            // Only an ASCII letter is surely one column wide.
            next = cell.symbol().is_ascii().then_some((x + 1, y));
        }
        self.put("\x1b[0m")
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.put("\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.put("\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        write!(self.frame, "\x1b[{};{}H", self.cursor.y + 1, self.cursor.x + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.put(match clear_type {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[K",
        })
    }

    fn size(&self) -> io::Result<Size> {
        let (columns, rows) = (self.size)()?;
        Ok(Size::new(columns, rows))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.frame)?;
        self.frame.clear();
        self.out.flush()
    }
}

/// Selects a colour; `base` is 30 for letters, 40 for what is behind them.
fn color(frame: &mut Vec<u8>, color: Color, base: u8) -> io::Result<()> {
    let plain = |number: u8| base + number;
    let light = |number: u8| base + 60 + number;
    let code = match color {
        Color::Reset => return Ok(()),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => light(0),
        Color::LightRed => light(1),
        Color::LightGreen => light(2),
        Color::LightYellow => light(3),
        Color::LightBlue => light(4),
        Color::LightMagenta => light(5),
        Color::LightCyan => light(6),
        Color::White => light(7),
        Color::Indexed(number) => return write!(frame, "\x1b[{};5;{number}m", base + 8),
        Color::Rgb(red, green, blue) => return write!(frame, "\x1b[{};2;{red};{green};{blue}m", base + 8),
    };
    write!(frame, "\x1b[{code}m")
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn letters_places_and_colours_are_escapes() {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(AnsiBackend::new(&mut out, || Ok((6, 2)))).expect("a size");
        let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        terminal.draw(|frame| frame.buffer_mut().set_string(2, 1, "ab", style)).expect("drawn");
        drop(terminal);
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("\x1b[2;3H\x1b[0m\x1b[1m\x1b[31mab\x1b[0m"), "{text:?}");
    }

    #[test]
    fn every_colour_has_a_code() {
        let mut frame = Vec::new();
        for shade in [Color::Reset, Color::White, Color::Indexed(9), Color::Rgb(1, 2, 3)] {
            color(&mut frame, shade, 40).expect("a vector");
        }
        assert_eq!(frame, b"\x1b[107m\x1b[48;5;9m\x1b[48;2;1;2;3m");
    }
}
