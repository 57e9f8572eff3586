//! What a text of Python imports, found without Python: its statements, strings and comments
//! passed over.

/// A module that a text imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The dotted name in parts. Of `from a import b` it is `a.b`, as `b` may be a module or a
    /// name in one; of `from a import *` the last part is `*`.
    pub name: Vec<String>,
    /// Whether the text cannot do without it: it stands at the margin, and not within a condition,
    /// a function, or an attempt.
    pub is_required: bool,
}

/// The imports of a module of that dotted name, in the order of the text.
pub fn imports(text: &str, module: &[String], is_package: bool) -> Vec<Import> {
    let mut found = Vec::new();
    for statement in statements(text) {
        let mut add = |name| found.push(Import { name, is_required: statement.is_at_margin });
        let mut words = statement.text.trim().splitn(2, char::is_whitespace);
        let (keyword, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match keyword {
            "import" => rest.split(',').for_each(|name| add(dotted(first_word(name)))),
            "from" => {
                let Some((base, names)) = split_at_import(rest) else { continue };
                let base = absolute(base, module, is_package);
                for name in names.trim().trim_matches(['(', ')']).split(',') {
                    let name = first_word(name);
                    if !name.is_empty() {
                        add(base.iter().cloned().chain(dotted(name)).collect());
                    }
                }
            }
            _ => {}
        }
    }
    found.retain(|import| !import.name.is_empty());
    found
}

/// `a.b` and the names of `a.b import c, d`.
fn split_at_import(text: &str) -> Option<(&str, &str)> {
    let at = text.match_indices("import").map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + "import".len()..).and_then(|text| text.chars().next());
        // `from .import x` is sound, and so is `import(x)`.
        before.is_some_and(|c| c.is_whitespace() || c == '.')
            && after.is_some_and(|c| c.is_whitespace() || c == '(' || c == '*')
    })?;
    Some((text.get(..at)?.trim(), text.get(at + "import".len()..)?))
}

/// The name before ` as `.
fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// A name that may begin with dots, from the package of a module on.
fn absolute(name: &str, module: &[String], is_package: bool) -> Vec<String> {
    let level = name.chars().take_while(|c| *c == '.' || c.is_whitespace()).count();
    let dots = name.chars().take(level).filter(|c| *c == '.').count();
    let mut full = Vec::new();
    if dots > 0 {
        let package = module.len().saturating_sub(usize::from(!is_package));
        let kept = package.saturating_sub(dots - 1);
        full.extend_from_slice(module.get(..kept).unwrap_or_default());
    }
    full.extend(dotted(name.get(level..).unwrap_or_default()));
    full
}

fn dotted(name: &str) -> Vec<String> {
    let is_name = |part: &&str| {
        *part == "*" || !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    name.split('.').map(str::trim).filter(is_name).map(str::to_owned).collect()
}

struct Statement {
    text: String,
    is_at_margin: bool,
}

/// The statements of a text, without strings and comments, lines put together.
fn statements(text: &str) -> Vec<Statement> {
    let mut scanner = Scanner { rest: text.chars().peekable(), statements: Vec::new() };
    scanner.scan();
    scanner.statements
}

struct Scanner<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    statements: Vec<Statement>,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        let mut current = String::new();
        let mut depth = 0usize;
        let mut is_at_margin = true;
        let mut is_start_of_line = true;
        while let Some(c) = self.rest.next() {
            match c {
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '"' | '\'' => {
                    self.skip_string(c);
                    // So that `from"x"` is no `from`.
                    current.push('"');
                }
                '\\' if self.rest.next_if(|c| *c == '\r' || *c == '\n').is_some() => {
                    current.push(' ');
                }
                '(' | '[' | '{' => {
                    depth += 1;
                    current.push(c);
                }
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    current.push(c);
                }
                '\n' if depth == 0 => {
                    self.end(&mut current, is_at_margin);
                    is_at_margin = true;
                    is_start_of_line = true;
                    continue;
                }
                ';' if depth == 0 => self.end(&mut current, is_at_margin),
                // `try: import x` on one line.
                ':' if depth == 0 => {
                    self.end(&mut current, is_at_margin);
                    is_at_margin = false;
                }
                ' ' | '\t' if is_start_of_line => {
                    is_at_margin = false;
                    continue;
                }
                '\n' => current.push(' '),
                _ => current.push(c),
            }
            is_start_of_line = false;
        }
        self.end(&mut current, is_at_margin);
    }

    fn end(&mut self, current: &mut String, is_at_margin: bool) {
        self.statements.push(Statement { text: std::mem::take(current), is_at_margin });
    }

    /// Passes over a string whose first quote has been read.
    fn skip_string(&mut self, quote: char) {
        let mut is_long = false;
        if self.rest.next_if_eq(&quote).is_some() {
            if self.rest.next_if_eq(&quote).is_none() {
                // It is empty.
                return;
            }
            is_long = true;
        }
        let mut run = 0;
        // One that has no end on its line is none; Python will say so.
        while let Some(c) = self.rest.next_if(|c| is_long || *c != '\n') {
            if c == '\\' {
                self.rest.next();
                run = 0;
            } else if c == quote {
                run += 1;
                if !is_long || run == 3 {
                    return;
                }
            } else {
                run = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::imports;

    fn check(text: &str, module: &str, is_package: bool, expected: &[&str]) {
        let module: Vec<String> = module.split('.').map(str::to_owned).collect();
        let found: Vec<String> = imports(text, &module, is_package)
            .iter()
            .map(|import| {
                let mark = if import.is_required { "" } else { "?" };
                format!("{}{mark}", import.name.join("."))
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn imports_of_all_forms_are_found() {
        check("import a.b as c, d\n", "m", false, &["a.b", "d"]);
        check("import\ta.b", "m", false, &["a.b"]);
        check("from a.b import c as d  # why\n", "m", false, &["a.b.c"]);
        check("from a import (\n    b,\n    c,  # x, y\n)\n", "m", false, &["a.b", "a.c"]);
        check("from a import(b)\n", "m", false, &["a.b"]);
        check("from a import b, \\\n  c\n", "m", false, &["a.b", "a.c"]);
        check("from a import *\n", "m", false, &["a.*"]);
        check(
            "from importlib.important import imports\n",
            "m",
            false,
            &["importlib.important.imports"],
        );
        check("from . import x\n", "p.q.m", false, &["p.q.x"]);
        check("from .import x\n", "p.q.m", false, &["p.q.x"]);
        check("from .x import y\n", "p.q", true, &["p.q.x.y"]);
        check("from ..u.x import y\n", "p.q.m", false, &["p.u.x.y"]);
        check("import a; import b\r\nimport c", "m", false, &["a", "b", "c"]);
        check("x = '''\n''' ; from a import b", "m", false, &["a.b"]);
    }

    #[test]
    fn what_is_not_at_the_margin_can_be_done_without() {
        check(
            "try:\n    import a\nexcept ImportError:\n    import b\nimport c",
            "m",
            false,
            &["a?", "b?", "c"],
        );
        check("try: import a\nexcept: pass\n", "m", false, &["a?"]);
        check("if x: import a; import b\nimport c\n", "m", false, &["a?", "b?", "c"]);
        check("\n\n  import a\n\timport b\n", "m", false, &["a?", "b?"]);
        check("x = 1; import a\n", "m", false, &["a"]);
        check("d = {'a': 1}\nimport b\n", "m", false, &["b"]);
    }

    #[test]
    fn what_is_no_import_is_passed_over() {
        check("x = 'import a'\nimported = 1\n# from a import b\n", "m", false, &[]);
        check("D = '''\nimport a\n'''\nE = r\"\"\"\nfrom b import c\\\"\"\"\"\n", "m", false, &[]);
        check("'''\nit's\nimport a\n'''\nimport b\n", "m", false, &["b"]);
        check("f(\nimport a\n)\n", "m", false, &[]);
        check("from a\nimport_x = 1\nfrom\n", "m", false, &[]);
        check("yield from imports\n", "m", false, &[]);
        check("x = 'open\nimport a\n", "m", false, &["a"]);
        check("", "m", false, &[]);
    }
}
