//! What a rendering writes.

use crate::value::Value;

/// Collects parts. As long as there is only one, it keeps its type.
#[derive(Default)]
pub(crate) struct Output {
    text: String,
    single: Option<Value>,
    has_parts: bool,
}

impl Output {
    pub(crate) fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.flush();
        self.text.push_str(text);
    }

    /// Writes a value; `None` writes nothing beside other parts.
    pub(crate) fn value(&mut self, value: Value) {
        if self.has_parts {
            self.flush();
            self.written(&value);
        } else {
            self.has_parts = true;
            self.single = Some(value);
        }
    }

    fn flush(&mut self) {
        self.has_parts = true;
        if let Some(value) = self.single.take() {
            self.written(&value);
        }
    }

    fn written(&mut self, value: &Value) {
        match value {
            Value::None => {}
            Value::Bytes(bytes) => self.text.push_str(&String::from_utf8_lossy(bytes)),
            value => value.write_text(&mut self.text),
        }
    }

    /// Whether nothing was written at all, not even an empty text.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_parts
    }

    /// Everything as one value: the part, if there is only one, otherwise a string.
    pub(crate) fn finish(mut self) -> Value {
        match self.single.take() {
            Some(value) => value,
            None => Value::from(self.text),
        }
    }

    /// Everything as text.
    pub(crate) fn into_text(mut self) -> String {
        self.flush();
        self.text
    }
}
