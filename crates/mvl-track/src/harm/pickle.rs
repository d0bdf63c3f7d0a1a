//! What a pickle names, found without building anything: its operations are gone through one by one, and of those that import a
//! name the name is judged. After Python's `pickletools` (protocols 0 to 5); what comes after an operation that is none is not
//! looked at, because Python stops there too.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};

use mvl_core::is_hostile_name;

use super::Harm;

/// A name of a module or of what is in it is no longer than that, in bytes.
const MAX_NAME: usize = 1_024;
/// Names that are remembered at most; checkpoints have some dozens.
const MAX_REMEMBERED: usize = 100_000;

/// Whether bytes can begin a pickle that names something: they go on like one to their end, or to a name.
pub(super) fn begins(head: &[u8]) -> bool {
    let mut walk = Walk::new(head);
    loop {
        match walk.step() {
            Ok(Step::Went) => {}
            Ok(Step::Named(_) | Step::Hidden(_)) => return true,
            // It may go on beyond what is seen here.
            Err(error) => return error.kind() == ErrorKind::UnexpectedEof && walk.went > 0,
            Ok(Step::Stopped) => return true,
            Ok(Step::Broke) => return false,
        }
    }
}

/// Goes through a pickle, or several that follow each other as in older checkpoints of PyTorch.
pub(super) fn look(from: &mut dyn Read) -> io::Result<Option<Harm>> {
    let mut walk = Walk::new(from);
    loop {
        match walk.step() {
            Ok(Step::Went) => {}
            Ok(Step::Stopped) => walk.begin_again(),
            Ok(Step::Broke) => return Ok(None),
            Ok(Step::Named(name)) if is_hostile_name(&name.0, &name.1) => {
                return Ok(Some(Harm(format!("it is a pickle that asks to run {name:?}, which was not done"))));
            }
            Ok(Step::Named(_)) => {}
            Ok(Step::Hidden(how)) => {
                return Ok(Some(Harm(format!("it is a pickle that hides what it asks to run ({how})"))));
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// What came of one operation.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing to tell.
    Went,
    /// A module and a name in it are imported.
    Named((String, String)),
    /// Something is imported whose name is not written down.
    Hidden(&'static str),
    /// The pickle's end.
    Stopped,
    /// No operation of a pickle's.
    Broke,
}

struct Walk<R> {
    from: R,
    /// Operations so far.
    went: u64,
    /// The two values that were put on the stack last, where they are texts.
    top: [Option<String>; 2],
    /// Texts by the number under which a pickle remembers them.
    memo: HashMap<u64, String>,
    /// How many values were remembered without a number, and whether some were with one: both at once could be miscounted here.
    memoized: u64,
    numbered: bool,
}

impl<R: Read> Walk<R> {
    fn new(from: R) -> Self {
        Self { from, went: 0, top: [None, None], memo: HashMap::new(), memoized: 0, numbered: false }
    }

    /// Another pickle follows.
    fn begin_again(&mut self) {
        self.top = [None, None];
        self.memo.clear();
        (self.memoized, self.numbered) = (0, false);
    }

    /// Goes through one operation.
    ///
    /// # Errors
    /// When the bytes end in it, or cannot be read.
    fn step(&mut self) -> io::Result<Step> {
        let operation = self.byte()?;
        self.went += 1;
        match operation {
            b'.' => return Ok(Step::Stopped),
            // GLOBAL and INST: two lines.
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(None);
                return Ok(match (module, name) {
                    (Some(module), Some(name)) => Step::Named((module, name)),
                    _ => Step::Broke, // nothing is called so
                });
            }
            // STACK_GLOBAL: the two topmost values.
            0x93 => {
                let [name, module] = std::mem::take(&mut self.top);
                self.push(None);
                return Ok(match (module, name) {
                    (Some(module), Some(name)) => Step::Named((module, name)),
                    _ => Step::Hidden("a name that is put together"),
                });
            }
            // EXT1, EXT2, EXT4: by a number of a table that is elsewhere.
            0x82..=0x84 => {
                self.skip(1 << (operation - 0x82))?;
                return Ok(Step::Hidden("a name by number"));
            }
            // Texts.
            0x8c => self.text(1)?,
            b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            b'U' => self.text(1)?,
            b'T' => self.text(4)?,
            b'V' => {
                let text = self.line()?;
                self.push(text.filter(|text| !text.contains('\\')));
            }
            b'S' => {
                let Some(text) = self.line()? else { return Ok(Step::Broke) };
                let inner = text.strip_prefix(['\'', '"']).and_then(|text| text.strip_suffix(['\'', '"']));
                let Some(inner) = inner else { return Ok(Step::Broke) };
                self.push((!inner.contains('\\')).then(|| inner.to_owned()));
            }
            // Bytes and long numbers, with their length before them.
            b'C' | 0x8a => self.blob(1)?,
            b'B' | 0x8b => self.blob(4)?,
            0x8e | 0x96 => self.blob(8)?,
            // Numbers, lines and persistent names: values without a text.
            b'F' | b'I' | b'L' => {
                let numeric = |char: char| char.is_ascii_alphanumeric() || "+-. ".contains(char); // inf and nan are, too
                if !self.line()?.is_some_and(|line| line.chars().all(numeric)) {
                    return Ok(Step::Broke);
                }
                self.push(None);
            }
            b'P' => {
                self.line()?;
                self.push(None);
            }
            b'K' => self.number(1).map(|_| self.push(None))?,
            b'M' => self.number(2).map(|_| self.push(None))?,
            b'J' => self.number(4).map(|_| self.push(None))?,
            b'G' => self.number(8).map(|_| self.push(None))?,
            // Remembered values.
            0x94 => {
                self.remember(self.memoized);
                self.memoized += 1;
            }
            b'p' => {
                let number = self.line()?.and_then(|line| line.trim().parse().ok());
                self.remember_as(number);
            }
            b'q' => {
                let number = self.number(1)?;
                self.remember_as(Some(number));
            }
            b'r' => {
                let number = self.number(4)?;
                self.remember_as(Some(number));
            }
            b'g' => {
                let number = self.line()?.and_then(|line| line.trim().parse().ok());
                self.recall(number);
            }
            b'h' => {
                let number = self.number(1)?;
                self.recall(Some(number));
            }
            b'j' => {
                let number = self.number(4)?;
                self.recall(Some(number));
            }
            // PROTO and FRAME say something of the pickle and change nothing.
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            // Values without a text.
            b'(' | b'N' | b']' | b')' | b'}' | 0x88 | 0x89 | 0x8f | 0x97 => self.push(None),
            // What takes values from the stack.
            b'0'
            | b'1'
            | b'2'
            | b'R'
            | b'b'
            | b'a'
            | b'e'
            | b'l'
            | b'd'
            | b's'
            | b't'
            | b'u'
            | b'o'
            | b'Q'
            | 0x81
            | 0x85..=0x87
            | 0x90..=0x92
            | 0x98 => self.top = [None, None],
            _ => return Ok(Step::Broke),
        }
        Ok(Step::Went)
    }

    fn push(&mut self, text: Option<String>) {
        let [below, _] = std::mem::take(&mut self.top);
        self.top = [text, below];
    }

    fn remember_as(&mut self, number: Option<u64>) {
        self.numbered = true;
        match number {
            Some(number) => self.remember(number),
            None => self.memo.clear(),
        }
    }

    fn remember(&mut self, number: u64) {
        match &self.top[0] {
            Some(text) if self.memo.len() < MAX_REMEMBERED => drop(self.memo.insert(number, text.clone())),
            _ => drop(self.memo.remove(&number)),
        }
    }

    fn recall(&mut self, number: Option<u64>) {
        let miscounted = self.numbered && self.memoized > 0;
        let text = number.filter(|_| !miscounted).and_then(|number| self.memo.get(&number).cloned());
        self.push(text);
    }

    /// A text with its length before it.
    fn text(&mut self, length_bytes: usize) -> io::Result<()> {
        let length = self.number(length_bytes)?;
        if length > MAX_NAME as u64 {
            self.skip(length)?;
            self.push(None);
            return Ok(());
        }
        let mut bytes = vec![0; length as usize];
        self.from.read_exact(&mut bytes)?;
        self.push(String::from_utf8(bytes).ok());
        Ok(())
    }

    fn blob(&mut self, length_bytes: usize) -> io::Result<()> {
        let length = self.number(length_bytes)?;
        self.skip(length)?;
        self.push(None);
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// A number of so many bytes, the lowest first.
    fn number(&mut self, bytes: usize) -> io::Result<u64> {
        let mut number = [0; 8];
        self.from.read_exact(&mut number[..bytes])?;
        Ok(u64::from_le_bytes(number))
    }

    /// A line without its end; `None` where it is longer than a name.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok((line.len() <= MAX_NAME).then(|| String::from_utf8(line).ok()).flatten()),
                byte if line.len() <= MAX_NAME => line.push(byte),
                _ => {}
            }
        }
    }

    /// Passes over bytes; a length that is only said takes no memory.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink())?;
        if passed < bytes { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}
