//! The `read_csv` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};

/// Reads a table of values between commas.
#[derive(Debug, Arguments)]
pub struct ReadCsv {
    /// The file.
    #[argument(aliases("filename"))]
    path: PathBuf,
    /// The column whose values name the rows; without it, rows are a list.
    key: Option<String>,
    /// How values are told apart: as `excel`, `excel-tab` or `unix` do.
    #[argument(default = "excel")]
    dialect: String,
    /// Names of the columns, where the first row does not hold them.
    fieldnames: Option<Vec<String>>,
    /// Whether a value of the key may stand there once alone.
    #[argument(default = true)]
    unique: bool,
    /// The letter between values.
    delimiter: Option<String>,
    /// Whether spaces behind it are none of the value's.
    skipinitialspace: Option<bool>,
    /// Whether odd quotes are refused.
    strict: Option<bool>,
}

impl Documented for ReadCsv {
    const NAME: &'static str = "community.general.read_csv";
    const ALIASES: &'static [&'static str] = &["read_csv"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A table without a head",
        args: r#"{"path": "/etc/passwd", "delimiter": ":", "key": "name", "fieldnames": ["name", "password", "uid", "gid", "gecos", "home", "shell"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "dict",
            "Rows by key.",
            "always",
            r#"{"dag": {"name": "dag", "uid": "500"}}"#,
        ),
        Returned::new("list", "Rows in order.", "always", r#"[{"name": "dag", "uid": "500"}]"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// How values are told apart.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    delimiter: char,
    skips_spaces: bool,
    is_strict: bool,
}

/// Where a reader is in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RowStart,
    FieldStart,
    InField,
    InQuotes,
    /// Behind a quote that stood within quotes.
    BehindQuote,
    /// Behind the end of a line.
    RowEnd,
}

impl Dialect {
    /// The rows of a text, as Python's `csv` reads them; a row without anything has no value.
    ///
    /// # Errors
    /// What Python's `csv` says of a row.
    fn rows(self, text: &str) -> Result<Vec<Vec<String>>, String> {
        let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut place = Place::RowStart;
        // Rows end where lines end, unless quotes are open.
        for line in text.split_inclusive('\n') {
            for letter in line.chars() {
                if place == Place::RowStart {
                    if matches!(letter, '\n' | '\r') {
                        place = Place::RowEnd;
                        continue;
                    }
                    place = Place::FieldStart;
                }
                place = self.step(place, letter, &mut row, &mut field)?;
            }
            match place {
                Place::InQuotes => continue,
                Place::FieldStart | Place::InField | Place::BehindQuote => {
                    row.push(std::mem::take(&mut field));
                }
                Place::RowStart | Place::RowEnd => {}
            }
            rows.push(std::mem::take(&mut row));
            place = Place::RowStart;
        }
        if place == Place::InQuotes {
            if self.is_strict {
                return Err("unexpected end of data".into());
            }
            row.push(field);
            rows.push(row);
        }
        Ok(rows)
    }

    fn step(
        self,
        place: Place,
        letter: char,
        row: &mut Vec<String>,
        field: &mut String,
    ) -> Result<Place, String> {
        let is_end = matches!(letter, '\n' | '\r');
        Ok(match (place, letter) {
            (Place::RowEnd, _) if is_end => Place::RowEnd,
            (Place::RowEnd, _) => {
                return Err("new-line character seen in unquoted field - do you need to open the \
                            file with newline=''?"
                    .into());
            }
            (Place::InQuotes, '"') => Place::BehindQuote,
            (Place::InQuotes, _) => {
                field.push(letter);
                Place::InQuotes
            }
            (Place::BehindQuote, '"') => {
                field.push('"');
                Place::InQuotes
            }
            (Place::FieldStart, '"') => Place::InQuotes,
            (Place::FieldStart, ' ') if self.skips_spaces => Place::FieldStart,
            (_, letter) if letter == self.delimiter => {
                row.push(std::mem::take(field));
                Place::FieldStart
            }
            _ if is_end => {
                row.push(std::mem::take(field));
                Place::RowEnd
            }
            (Place::BehindQuote, _) if self.is_strict => {
                return Err(format!("'{}' expected after '\"'", self.delimiter));
            }
            _ => {
                field.push(letter);
                Place::InField
            }
        })
    }
}

impl ReadCsv {
    fn dialect(&self) -> Result<Dialect, Failure> {
        let delimiter = match self.dialect.as_str() {
            "excel" | "unix" => ',',
            "excel-tab" => '\t',
            other => {
                return Err(Failure::new(format!(
                    "Dialect '{other}' is not supported by your version of python."
                )));
            }
        };
        let mut letters = self.delimiter.as_deref().unwrap_or_default().chars();
        let delimiter = match (&self.delimiter, letters.next(), letters.next()) {
            (None, ..) => delimiter,
            (Some(_), Some(letter), None) => letter,
            _ => {
                return Err(Failure::new(
                    "Unable to create custom dialect: \"delimiter\" must be a 1-character string",
                ));
            }
        };
        Ok(Dialect {
            delimiter,
            skips_spaces: self.skipinitialspace.unwrap_or(false),
            is_strict: self.strict.unwrap_or(false),
        })
    }
}

/// A row with the names of its columns: values that it lacks are null, and those that it has beyond
/// them are a list under the name that Python's null has in JSON.
fn named(names: &[String], row: Vec<String>) -> JsonMap {
    let mut values = row.into_iter();
    let mut map: JsonMap =
        names.iter().map(|name| (name.clone(), Json::from(values.next()))).collect();
    let rest: Vec<String> = values.collect();
    if !rest.is_empty() {
        map.insert("null".into(), rest.into());
    }
    map
}

impl Fact for ReadCsv {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let dialect = self.dialect()?;
        let shown = self.path.display();
        let bytes = host.read(&self.path)?.ok_or_else(|| {
            Failure::new(format!(
                "Unable to open file: [Errno 2] No such file or directory: '{shown}'"
            ))
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|why| Failure::new(format!("{shown} is no text in UTF-8: {why}")))?;
        let rows = dialect
            .rows(text.trim_start_matches('\u{feff}'))
            .map_err(|why| Failure::new(format!("Unable to process file: {why}")))?;
        let mut rows = rows.into_iter();
        let names = match &self.fieldnames {
            Some(names) => names.clone(),
            None => rows.next().unwrap_or_default(),
        };
        if let Some(key) = self.key.as_ref().filter(|key| !key.is_empty() && !names.contains(key)) {
            return Err(Failure::new(format!(
                "Key '{key}' was not found in the CSV header fields: {}",
                names.join(", ")
            )));
        }
        let (mut by_key, mut list) = (JsonMap::new(), Vec::new());
        for row in rows.filter(|row| !row.is_empty()) {
            let row = named(&names, row);
            let Some(key) = &self.key else {
                list.push(Json::Object(row));
                continue;
            };
            // A row that is too short has no name, which Python's null stands for.
            let value = row.get(key).and_then(Json::as_str).unwrap_or("null").to_owned();
            if self.unique && by_key.contains_key(&value) {
                return Err(Failure::new(format!("Key '{key}' is not unique for value '{value}'")));
            }
            by_key.insert(value, Json::Object(row));
        }
        let returned = JsonMap::from_iter([
            ("dict".to_owned(), by_key.into()),
            ("list".to_owned(), list.into()),
        ]);
        Ok(Response { returned, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::{Json, Response};
    use serde_json::json;

    use crate::cases::run;

    fn read(text: &str, args: &Json) -> Response {
        let mut host = FakeHost::default();
        host.put("/t.csv", text);
        run("read_csv", args, "path", "/t.csv", Mode::default(), &mut host)
    }

    #[test]
    fn rows_are_read_as_python_reads_them() {
        for (text, args, expected) in [
            ("a,b\n1,2\n", json!({}), json!([{"a": "1", "b": "2"}])),
            (
                "\u{feff}a,b\r\n1,2\r\n\r\n3,4",
                json!({}),
                json!([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
            ),
            ("a,b\n\"x\ny\",\"q\"\"q\"\n", json!({}), json!([{"a": "x\ny", "b": "q\"q"}])),
            (
                "a,b\n1\n1,2,3,4\n",
                json!({}),
                json!([{"a": "1", "b": null}, {"a": "1", "b": "2", "null": ["3", "4"]}]),
            ),
            ("a,b\n\"x\"y, z\n", json!({}), json!([{"a": "xy", "b": " z"}])),
            ("a,b\nx, z\n", json!({"skipinitialspace": true}), json!([{"a": "x", "b": "z"}])),
            (
                "1;2\n",
                json!({"delimiter": ";", "fieldnames": ["a", "b"]}),
                json!([{"a": "1", "b": "2"}]),
            ),
            ("a\tb\n1\t,\n", json!({"dialect": "excel-tab"}), json!([{"a": "1", "b": ","}])),
            ("a,b\n\"open,1\n", json!({"dialect": "unix"}), json!([{"a": "open,1\n", "b": null}])),
            ("a,b\n1,\n", json!({}), json!([{"a": "1", "b": ""}])),
            ("", json!({}), json!([])),
        ] {
            let done = read(text, &args);
            assert!(!done.failed, "{text:?}: {done:?}");
            assert_eq!(done.returned["list"], expected, "{text:?}");
        }
        let done = read("n,v\nx,1\ny,2\n", &json!({"key": "n"}));
        assert_eq!(
            done.returned["dict"],
            json!({"x": {"n": "x", "v": "1"}, "y": {"n": "y", "v": "2"}})
        );
        let last = read("n,v\nx,1\nx,2\n", &json!({"key": "n", "unique": false}));
        assert_eq!(last.returned["dict"]["x"]["v"], "2");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (text, args, words) in [
            ("n\nx\nx\n", json!({"key": "n"}), "Key 'n' is not unique for value 'x'"),
            ("a,b\n", json!({"key": "c"}), "Key 'c' was not found in the CSV header fields: a, b"),
            ("a\n\"x\"y\n", json!({"strict": true}), "',' expected after '\"'"),
            ("a\n\"x", json!({"strict": true}), "unexpected end of data"),
            ("a\nx\ry\n", json!({}), "new-line character seen in unquoted field"),
            ("a\n", json!({"delimiter": "::"}), "must be a 1-character string"),
            ("a\n", json!({"dialect": "odd"}), "Dialect 'odd' is not supported"),
        ] {
            let done = read(text, &args);
            let msg = done.msg.unwrap_or_default();
            assert!(done.failed && msg.contains(words), "{text:?} {args}: {msg}");
        }
        let host = &mut FakeHost::default();
        let msg = run("read_csv", &json!({}), "path", "/none", Mode::default(), host).msg;
        assert!(msg.unwrap().contains("No such file or directory: '/none'"));
    }
}
