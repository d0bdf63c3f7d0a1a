//! Text that comes from files, made safe for a page.

use std::fmt;

/// Shows text with everything escaped that means something in HTML, in attributes too. Control characters become spaces.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for letter in self.0.as_ref().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter if letter.is_control() => f.write_char(' ')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        let text = "<img src='x' onerror=\"alert(1)\">&\n";
        let escaped = Escaped(text).to_string();
        assert_eq!(escaped, "&lt;img src=&#39;x&#39; onerror=&quot;alert(1)&quot;&gt;&amp; ");
    }
}
