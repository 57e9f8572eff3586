//! XPath 1.0 as text, read into expressions. A function that is not implemented is refused by its
//! name.

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Path(Path),
    /// A path from what another expression gives.
    From(Box<Expression>, Path),
    Text(String),
    Number(f64),
    Call(Function, Vec<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
}

/// A way through the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Whether it begins above the root.
    pub is_absolute: bool,
    pub steps: Vec<Step>,
}

/// A step of a way.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub axis: Axis,
    pub test: Test,
    pub predicates: Vec<Expression>,
}

/// In which direction a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    Itself,
}

/// Which nodes a step takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `*`, or `prefix:*`.
    Any(Option<String>),
    /// A prefix, empty for none, and a name.
    Name(String, String),
    Node,
    Text,
    Comment,
    Instruction,
}

/// What stands between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Modulo,
    Union,
}

macro_rules! functions {
    ($($name:ident $text:literal,)*) => {
        /// A function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $($name,)* }

        impl Function {
            fn find(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

functions! {
    Boolean "boolean",
    Ceiling "ceiling",
    Concat "concat",
    Contains "contains",
    Count "count",
    False "false",
    Floor "floor",
    Last "last",
    LocalName "local-name",
    Name "name",
    NamespaceUri "namespace-uri",
    NormalizeSpace "normalize-space",
    Not "not",
    Number "number",
    Position "position",
    Round "round",
    StartsWith "starts-with",
    String "string",
    StringLength "string-length",
    Substring "substring",
    SubstringAfter "substring-after",
    SubstringBefore "substring-before",
    Sum "sum",
    Translate "translate",
    True "true",
}

/// Expressions within each other at most.
const DEPTH_MAX: usize = 64;

/// Reads an expression.
///
/// # Errors
/// In words: what is none, or is not implemented.
pub fn parse(text: &str) -> Result<Expression, String> {
    let tokens = split(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let whole = parser.binary(0)?;
    match parser.peek() {
        None => Ok(whole),
        Some(token) => Err(format!("Invalid expression at {}", token.shown())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Mark(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Name(text) | Self::Text(text) => format!("'{text}'"),
            Self::Number(number) => number.to_string(),
            Self::Mark(mark) => format!("'{mark}'"),
        }
    }
}

/// Marks, those first that begin with another.
const MARKS: [&str; 21] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", ".", "@", ",", "|", "+", "-", "=",
    "<", ">", "*",
];

fn split(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after_number = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let length;
        let second = rest.chars().nth(1);
        if first.is_ascii_digit() || first == '.' && second.is_some_and(|one| one.is_ascii_digit())
        {
            let tail = match after_number.strip_prefix('.') {
                Some(tail) => tail.trim_start_matches(|letter: char| letter.is_ascii_digit()),
                None => after_number,
            };
            length = rest.len() - tail.len();
            let number = rest.get(..length).and_then(|text| text.parse().ok());
            tokens.push(Token::Number(number.ok_or("Invalid number")?));
        } else if first == '"' || first == '\'' {
            let body = rest.get(1..).unwrap_or_default();
            let end = body.find(first).ok_or("Unfinished literal")?;
            tokens.push(Token::Text(body.get(..end).unwrap_or_default().to_owned()));
            length = end + 2;
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
            let mut end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            // One colon belongs to a name; two are a mark.
            let tail = rest.get(end..).unwrap_or_default();
            if let Some(local) = tail.strip_prefix(':').filter(|local| !local.starts_with(':')) {
                let more = match local.starts_with('*') {
                    true => 1,
                    false => local.find(|letter| !is_part(letter)).unwrap_or(local.len()),
                };
                if more == 0 {
                    return Err("Invalid expression: a name is expected after ':'".to_owned());
                }
                end += 1 + more;
            }
            tokens.push(Token::Name(rest.get(..end).unwrap_or_default().to_owned()));
            length = end;
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
            let mark = mark.ok_or_else(|| format!("Invalid expression at '{first}'"))?;
            tokens.push(Token::Mark(mark));
            length = mark.len();
        }
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_mark(&self, offset: usize, mark: &str) -> bool {
        matches!(self.tokens.get(self.at + offset), Some(Token::Mark(one)) if *one == mark)
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is_there = self.is_mark(0, mark);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        match self.takes(mark) {
            true => Ok(()),
            false => Err(format!("Invalid expression: '{mark}' is expected")),
        }
    }

    /// An operator of a strength, weakest first.
    fn operator(&self, strength: usize) -> Option<Operator> {
        let token = self.peek()?;
        let text = match token {
            Token::Name(text) => text.as_str(),
            Token::Mark(mark) => mark,
            _ => return None,
        };
        let (of, operator) = match text {
            "or" => (0, Operator::Or),
            "and" => (1, Operator::And),
            "=" => (2, Operator::Equal),
            "!=" => (2, Operator::Unequal),
            "<" => (3, Operator::Less),
            "<=" => (3, Operator::LessOrEqual),
            ">" => (3, Operator::More),
            ">=" => (3, Operator::MoreOrEqual),
            "+" => (4, Operator::Plus),
            "-" => (4, Operator::Minus),
            "*" => (5, Operator::Times),
            "div" => (5, Operator::Divided),
            "mod" => (5, Operator::Modulo),
            "|" => (7, Operator::Union),
            _ => return None,
        };
        (of == strength).then_some(operator)
    }

    fn binary(&mut self, strength: usize) -> Result<Expression, String> {
        match strength {
            6 if self.takes("-") => return Ok(Expression::Negative(Box::new(self.binary(6)?))),
            8 => return self.path_expression(),
            _ => {}
        }
        let mut left = self.binary(strength + 1)?;
        while let Some(operator) = self.operator(strength) {
            self.at += 1;
            let right = self.binary(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn within<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} expressions within each other"));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn path_expression(&mut self) -> Result<Expression, String> {
        let primary = match self.peek().cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Expression::Text(text)
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                Expression::Number(number)
            }
            Some(Token::Mark("(")) => {
                self.at += 1;
                let inner = self.within(|parser| parser.binary(0))?;
                self.expect(")")?;
                inner
            }
            Some(Token::Name(name)) if self.is_mark(1, "(") && !is_kind(&name) => {
                self.call(&name)?
            }
            _ => return Ok(Expression::Path(self.path()?)),
        };
        let predicates = self.predicates()?;
        if !predicates.is_empty() {
            let step = Step { axis: Axis::Itself, test: Test::Node, predicates };
            let mut path = Path { is_absolute: false, steps: vec![step] };
            if self.takes("/") {
                path.steps.extend(self.relative()?);
            }
            return Ok(Expression::From(Box::new(primary), path));
        }
        let mut steps = Vec::new();
        if self.takes("//") {
            steps.push(anything_below());
        } else if !self.takes("/") {
            return Ok(primary);
        }
        steps.extend(self.relative()?);
        Ok(Expression::From(Box::new(primary), Path { is_absolute: false, steps }))
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let function = Function::find(name)
            .ok_or_else(|| format!("the function {name}() is not implemented"))?;
        self.at += 2;
        let mut given = Vec::new();
        while !self.takes(")") {
            if !given.is_empty() {
                self.expect(",")?;
            }
            given.push(self.within(|parser| parser.binary(0))?);
        }
        Ok(Expression::Call(function, given))
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut steps = Vec::new();
        let mut is_absolute = true;
        if self.takes("//") {
            steps.push(anything_below());
        } else if self.takes("/") {
            let is_root = match self.peek() {
                Some(Token::Name(_)) => false,
                Some(Token::Mark(mark)) => !["..", ".", "@", "*"].contains(mark),
                _ => true,
            };
            if is_root {
                return Ok(Path { is_absolute, steps });
            }
        } else {
            is_absolute = false;
        }
        steps.extend(self.relative()?);
        Ok(Path { is_absolute, steps })
    }

    fn relative(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = vec![self.step()?];
        loop {
            if self.takes("//") {
                steps.push(anything_below());
            } else if !self.takes("/") {
                return Ok(steps);
            }
            steps.push(self.step()?);
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        let bare = |axis| Step { axis, test: Test::Node, predicates: Vec::new() };
        if self.takes("..") {
            return Ok(bare(Axis::Parent));
        }
        if self.takes(".") {
            return Ok(bare(Axis::Itself));
        }
        let mut axis = if self.takes("@") { Axis::Attribute } else { Axis::Child };
        if let Some(Token::Name(name)) = self.peek().filter(|_| self.is_mark(1, "::")) {
            axis = match name.as_str() {
                "ancestor" => Axis::Ancestor,
                "ancestor-or-self" => Axis::AncestorOrSelf,
                "attribute" => Axis::Attribute,
                "child" => Axis::Child,
                "descendant" => Axis::Descendant,
                "descendant-or-self" => Axis::DescendantOrSelf,
                "following" => Axis::Following,
                "following-sibling" => Axis::FollowingSibling,
                "parent" => Axis::Parent,
                "preceding" => Axis::Preceding,
                "preceding-sibling" => Axis::PrecedingSibling,
                "self" => Axis::Itself,
                other => return Err(format!("the axis {other} is not implemented")),
            };
            self.at += 2;
        }
        let test = match self.peek().cloned() {
            Some(Token::Mark("*")) => Test::Any(None),
            Some(Token::Name(name)) => match name.split_once(':') {
                Some((prefix, "*")) => Test::Any(Some(prefix.to_owned())),
                Some((prefix, local)) => Test::Name(prefix.to_owned(), local.to_owned()),
                None if self.is_mark(1, "(") && is_kind(&name) => {
                    self.at += 1;
                    if !self.is_mark(1, ")") {
                        return Err(format!("{name}() with words in it is not implemented"));
                    }
                    self.at += 1;
                    match name.as_str() {
                        "text" => Test::Text,
                        "comment" => Test::Comment,
                        "node" => Test::Node,
                        _ => Test::Instruction,
                    }
                }
                None => Test::Name(String::new(), name),
            },
            Some(token) => return Err(format!("Invalid expression at {}", token.shown())),
            None => return Err("Invalid expression: it ends too soon".to_owned()),
        };
        self.at += 1;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, String> {
        let mut all = Vec::new();
        while self.takes("[") {
            all.push(self.within(|parser| parser.binary(0))?);
            self.expect("]")?;
        }
        Ok(all)
    }
}

/// Whether a name with brackets stands for a kind of nodes.
fn is_kind(name: &str) -> bool {
    ["text", "node", "comment", "processing-instruction"].contains(&name)
}

fn anything_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() }
}
