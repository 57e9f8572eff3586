//! Python's syntax to fancy-regex's.
//!
//! The pattern is read as Python reads it, and written so that no construct depends on flags of
//! the other engine but the one for upper and lower case.

use crate::{Error, Flags};

/// How deep groups may be nested.
const DEPTH_MAX: usize = 60;

/// Translates a pattern.
pub fn translate(pattern: &str, flags: Flags) -> Result<String, Error> {
    let mut flags = flags;
    let chars: Vec<char> = pattern.chars().collect();
    let start = global_flags(&chars, &mut flags)?;
    let mut reader = Reader {
        groups: count_groups(&chars),
        chars,
        at: start,
        out: String::with_capacity(pattern.len() + 16),
        names: Vec::new(),
        opened: 0,
        depth: 0,
    };
    if flags.ignore_case {
        reader.out.push_str("(?i)");
    }
    reader.alternatives(flags)?;
    if reader.at < reader.chars.len() {
        return Err(reader.error("unbalanced parenthesis"));
    }
    Ok(reader.out)
}

/// Flags for the whole pattern at its start, such as `(?im)`; returns where they end.
fn global_flags(chars: &[char], flags: &mut Flags) -> Result<usize, Error> {
    let mut at = 0;
    loop {
        let rest = chars.get(at..).unwrap_or_default();
        let ['(', '?', inner @ ..] = rest else { return Ok(at) };
        let Some(end) = inner.iter().position(|c| *c == ')') else { return Ok(at) };
        let letters = inner.get(..end).unwrap_or_default();
        if letters.is_empty() || !letters.iter().all(|c| "aiLmsux".contains(*c)) {
            return Ok(at);
        }
        for letter in letters {
            if !flags.set(*letter, true) {
                return Err(Error::Unsupported(format!("the flag {letter}")));
            }
        }
        at += end + 3;
    }
}

/// How many capturing groups a pattern has.
fn count_groups(chars: &[char]) -> usize {
    let mut count = 0;
    let mut in_class = false;
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => at += 1,
            '[' if !in_class => {
                in_class = true;
                // A bracket right after the opening one is a member.
                if chars.get(at + 1) == Some(&'^') {
                    at += 1;
                }
                if chars.get(at + 1) == Some(&']') {
                    at += 1;
                }
            }
            ']' => in_class = false,
            '(' if !in_class => {
                let is_named = chars.get(at + 1..at + 4) == Some(&['?', 'P', '<']);
                if chars.get(at + 1) != Some(&'?') || is_named {
                    count += 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    count
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    out: String,
    /// Named groups and their numbers.
    names: Vec<(String, usize)>,
    /// All groups of the pattern, and how many have been opened.
    groups: usize,
    opened: usize,
    depth: usize,
}

/// What can be repeated: where it starts in the output.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Atom(usize),
    Repeated,
}

impl Reader {
    fn error(&self, message: impl Into<String>) -> Error {
        Error::Pattern { message: message.into(), at: self.at }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.chars.get(self.at + ahead) == Some(&c))
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Everything up to the end of the group.
    fn alternatives(&mut self, flags: Flags) -> Result<(), Error> {
        let mut last = Last::Nothing;
        while let Some(c) = self.peek() {
            match c {
                ')' => return Ok(()),
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    last = Last::Nothing;
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.repeat(&c.to_string(), &mut last)?;
                }
                '{' => match self.bounds()? {
                    Some(bounds) => self.repeat(&bounds, &mut last)?,
                    None => {
                        last = Last::Atom(self.out.len());
                        self.at += 1;
                        self.literal('{');
                    }
                },
                c if flags.verbose && c.is_whitespace() => self.at += 1,
                '#' if flags.verbose => while self.next().is_some_and(|c| c != '\n') {},
                _ if self.starts_with("(?#") => {
                    while self.peek().is_some_and(|c| c != ')') {
                        self.at += 1;
                    }
                    if self.next().is_none() {
                        return Err(self.error("missing ), unterminated comment"));
                    }
                }
                _ => {
                    let start = self.out.len();
                    self.atom(flags)?;
                    last = Last::Atom(start);
                }
            }
        }
        Ok(())
    }

    /// `{m,n}` in all its forms; nothing where the brace is a literal.
    fn bounds(&mut self) -> Result<Option<String>, Error> {
        let rest = self.chars.get(self.at + 1..).unwrap_or_default();
        let Some(end) = rest.iter().position(|c| *c == '}') else { return Ok(None) };
        let inner: String = rest.get(..end).unwrap_or_default().iter().collect();
        let (low, high) = inner.split_once(',').unwrap_or((&inner, &inner));
        let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if inner.is_empty() || !is_number(low) || !is_number(high) {
            return Ok(None);
        }
        let low: u32 = if low.is_empty() { 0 } else { low.parse().unwrap_or(u32::MAX) };
        let bounds = if high.is_empty() {
            format!("{{{low},}}")
        } else {
            let high: u32 = high.parse().unwrap_or(u32::MAX);
            if high < low {
                return Err(self.error("min repeat greater than max repeat"));
            }
            format!("{{{low},{high}}}")
        };
        self.at += end + 2;
        Ok(Some(bounds))
    }

    fn repeat(&mut self, how: &str, last: &mut Last) -> Result<(), Error> {
        let start = match *last {
            Last::Atom(start) => start,
            Last::Nothing => return Err(self.error("nothing to repeat")),
            Last::Repeated => return Err(self.error("multiple repeat")),
        };
        self.out.push_str(how);
        match self.peek() {
            Some('?') => {
                self.at += 1;
                self.out.push('?');
            }
            Some('+') => {
                self.at += 1;
                self.out.insert_str(start, "(?>");
                self.out.push(')');
            }
            _ => {}
        }
        *last = Last::Repeated;
        Ok(())
    }

    fn literal(&mut self, c: char) {
        if c.is_alphanumeric() || c == '_' || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
        }
    }

    /// One thing that can be repeated.
    fn atom(&mut self, flags: Flags) -> Result<(), Error> {
        let Some(c) = self.next() else { return Ok(()) };
        match c {
            '.' => self.out.push_str(if flags.dot_all { "(?s:.)" } else { r"[^\n]" }),
            '^' => self.out.push_str(if flags.multi_line { "(?m:^)" } else { r"\A" }),
            '$' => self.out.push_str(if flags.multi_line { "(?m:$)" } else { r"\Z" }),
            '[' => self.class(flags)?,
            '(' => self.group(flags)?,
            '\\' => self.escape(flags)?,
            c => self.literal(c),
        }
        Ok(())
    }

    fn escape(&mut self, flags: Flags) -> Result<(), Error> {
        let Some(c) = self.next() else { return Err(self.error("bad escape (end of pattern)")) };
        match c {
            'A' => self.out.push_str(r"\A"),
            'Z' => self.out.push_str(r"\z"),
            'b' | 'B' if flags.ascii => self.out.push_str(&format!("(?-u:\\{c})")),
            'b' | 'B' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('[');
                self.class_escape(c, flags);
                self.out.push(']');
            }
            '1'..='9' => self.reference_or_octal(c)?,
            other => {
                let c = self.char_escape(other)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    /// `\d` and its kin as a member of a class.
    fn class_escape(&mut self, c: char, flags: Flags) {
        self.out.push_str(match (c, flags.ascii) {
            ('d', true) => "0-9",
            ('D', true) => "[^0-9]",
            ('s', true) => r"\x09-\x0d\x20",
            ('S', true) => r"[^\x09-\x0d\x20]",
            ('w', true) => "0-9A-Za-z_",
            ('W', true) => "[^0-9A-Za-z_]",
            ('d', false) => r"\d",
            ('D', false) => r"\D",
            // Python also counts the separators of ASCII.
            ('s', false) => r"\s\x1c-\x1f",
            ('S', false) => r"[^\s\x1c-\x1f]",
            ('w', false) => r"\w",
            _ => r"\W",
        });
    }

    fn reference_or_octal(&mut self, first: char) -> Result<(), Error> {
        let digit = |c: Option<char>| c.filter(char::is_ascii_digit);
        let second = digit(self.peek());
        let third = digit(self.chars.get(self.at + 1).copied());
        if let (Some(second), Some(third)) = (second, third)
            && first <= '3'
            && second <= '7'
            && third <= '7'
        {
            self.at += 2;
            let code: String = [first, second, third].iter().collect();
            let c = u32::from_str_radix(&code, 8).ok().and_then(char::from_u32).unwrap_or('\0');
            self.literal(c);
            return Ok(());
        }
        let mut number = first.to_digit(10).unwrap_or(0) as usize;
        if let Some(second) = second {
            self.at += 1;
            number = number * 10 + second.to_digit(10).unwrap_or(0) as usize;
        }
        self.reference(number)
    }

    fn reference(&mut self, number: usize) -> Result<(), Error> {
        if number > self.groups || number > self.opened {
            return Err(self.error(format!("invalid group reference {number}")));
        }
        self.out.push_str(&format!("(?:\\{number})"));
        Ok(())
    }

    /// The character of an escape that stands for one.
    fn char_escape(&mut self, c: char) -> Result<char, Error> {
        let hex = |reader: &mut Self, digits: usize| {
            let end = reader.at + digits;
            let text: String =
                reader.chars.get(reader.at..end).unwrap_or_default().iter().collect();
            let code = u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == digits);
            reader.at = end;
            code.and_then(char::from_u32)
                .ok_or_else(|| reader.error(format!("incomplete escape \\{c}{text}")))
        };
        Ok(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            'x' => hex(self, 2)?,
            'u' => hex(self, 4)?,
            'U' => hex(self, 8)?,
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(code).unwrap_or('\0')
            }
            'N' => return Err(Error::Unsupported("\\N{…}".into())),
            c if c.is_ascii_alphabetic() => {
                return Err(self.error(format!("bad escape \\{c}")));
            }
            c => c,
        })
    }

    /// A class, whose opening bracket has been read.
    fn class(&mut self, flags: Flags) -> Result<(), Error> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(c) = self.next() else {
                return Err(self.error("unterminated character set"));
            };
            if c == ']' && !is_first {
                break;
            }
            is_first = false;
            let Some(low) = self.class_member(c, flags)? else { continue };
            let is_range =
                self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            if !is_range {
                self.class_char(low);
                continue;
            }
            self.at += 1;
            let Some(c) = self.next() else {
                return Err(self.error("unterminated character set"));
            };
            let before = self.out.len();
            let Some(high) = self.class_member(c, flags)? else {
                self.out.truncate(before);
                return Err(self.error("bad character range"));
            };
            if high < low {
                return Err(self.error(format!("bad character range {low}-{high}")));
            }
            self.class_char(low);
            self.out.push('-');
            self.class_char(high);
        }
        self.out.push(']');
        Ok(())
    }

    /// A character of a class; nothing where it was a class of its own, already written.
    fn class_member(&mut self, c: char, flags: Flags) -> Result<Option<char>, Error> {
        if c != '\\' {
            return Ok(Some(c));
        }
        let Some(c) = self.next() else { return Err(self.error("unterminated character set")) };
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.class_escape(c, flags);
                Ok(None)
            }
            'b' => Ok(Some('\u{8}')),
            '1'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                Ok(char::from_u32(code))
            }
            c => self.char_escape(c).map(Some),
        }
    }

    fn class_char(&mut self, c: char) {
        if c.is_alphanumeric() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
        }
    }

    /// A group, whose opening parenthesis has been read.
    fn group(&mut self, flags: Flags) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("the groups are nested too deep"));
        }
        let mut flags = flags;
        if self.peek() != Some('?') {
            self.opened += 1;
            self.out.push('(');
        } else {
            self.at += 1;
            let kind = self.next();
            match kind {
                Some(':') => self.out.push_str("(?:"),
                Some('=') => self.out.push_str("(?="),
                Some('!') => self.out.push_str("(?!"),
                Some('>') => self.out.push_str("(?>"),
                Some('<') => match self.next() {
                    Some('=') => self.out.push_str("(?<="),
                    Some('!') => self.out.push_str("(?<!"),
                    _ => return Err(self.error("unknown extension ?<")),
                },
                Some('P') => {
                    if self.named()? {
                        self.depth -= 1;
                        return Ok(());
                    }
                }
                Some('(') => self.condition()?,
                Some(c) => self.local_flags(c, &mut flags)?,
                None => return Err(self.error("unexpected end of pattern")),
            }
        }
        self.alternatives(flags)?;
        if self.next() != Some(')') {
            return Err(self.error("missing ), unterminated subpattern"));
        }
        self.out.push(')');
        self.depth -= 1;
        Ok(())
    }

    /// `(?P<name>` opens a group; `(?P=name)` is a reference and complete.
    fn named(&mut self) -> Result<bool, Error> {
        let kind = self.next();
        let close = match kind {
            Some('<') => '>',
            Some('=') => ')',
            _ => return Err(self.error("unknown extension ?P")),
        };
        let mut name = String::new();
        loop {
            match self.next() {
                Some(c) if c == close => break,
                Some(c) if c == '_' || c.is_alphanumeric() => name.push(c),
                Some(c) => return Err(self.error(format!("bad character in group name: {c:?}"))),
                None => return Err(self.error("missing group name terminator")),
            }
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) {
            return Err(self.error(format!("bad character in group name '{name}'")));
        }
        let known = self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        if kind == Some('=') {
            let Some(number) = known else {
                return Err(self.error(format!("unknown group name '{name}'")));
            };
            self.reference(number)?;
            return Ok(true);
        }
        if known.is_some() {
            return Err(self.error(format!("redefinition of group name '{name}'")));
        }
        self.opened += 1;
        self.out.push_str(&format!("(?P<{name}>"));
        self.names.push((name, self.opened));
        Ok(false)
    }

    /// `(?(1)yes|no)`, of which `(?(` has been read.
    fn condition(&mut self) -> Result<(), Error> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some(')') => break,
                Some(c) => name.push(c),
                None => return Err(self.error("missing group name")),
            }
        }
        let number = match name.parse::<usize>() {
            Ok(number) => Some(number).filter(|number| (1..=self.groups).contains(number)),
            Err(_) => {
                self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
            }
        };
        match number {
            Some(number) => {
                self.out.push_str(&format!("(?({number})"));
                Ok(())
            }
            None => Err(self.error(format!("unknown group name '{name}'"))),
        }
    }

    /// `(?i-m:…)`, of which the first letter has been read.
    fn local_flags(&mut self, first: char, flags: &mut Flags) -> Result<(), Error> {
        let before = *flags;
        let mut on = true;
        let mut letter = first;
        loop {
            match letter {
                ':' => break,
                ')' => {
                    return Err(self.error("global flags not at the start of the expression"));
                }
                '-' if on => on = false,
                letter => {
                    if !flags.set(letter, on) {
                        return Err(self.error(format!("unknown extension ?{letter}")));
                    }
                }
            }
            letter = self.next().ok_or_else(|| self.error("missing -, : or )"))?;
        }
        self.out.push_str(match (before.ignore_case, flags.ignore_case) {
            (false, true) => "(?i:",
            (true, false) => "(?-i:",
            _ => "(?:",
        });
        Ok(())
    }
}
