//! Flags of regular expressions.

/// Which of Python's flags are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `re.IGNORECASE`
    pub ignore_case: bool,
    /// `re.MULTILINE`: `^` and `$` also match at lines.
    pub multi_line: bool,
    /// `re.DOTALL`: `.` also matches a newline.
    pub dot_all: bool,
    /// `re.VERBOSE`
    pub verbose: bool,
    /// `re.ASCII`: classes such as `\w` match ASCII only.
    pub ascii: bool,
}

impl Flags {
    /// Only `^` and `$` at lines, as Ansible's modules `lineinfile` and `replace` use it.
    pub const MULTI_LINE: Self =
        Self { ignore_case: false, multi_line: true, dot_all: false, verbose: false, ascii: false };

    /// Turns on the flag of a letter of `(?…)`; false where there is none.
    pub(crate) fn set(&mut self, letter: char, on: bool) -> bool {
        match letter {
            'i' => self.ignore_case = on,
            'm' => self.multi_line = on,
            's' => self.dot_all = on,
            'x' => self.verbose = on,
            'a' => self.ascii = on,
            'u' => self.ascii = !on,
            _ => return false,
        }
        true
    }
}
