//! A paragraph of fields, written as Ansible writes it.

/// Fields in the order in which they were added.
#[derive(Debug, Default)]
pub struct Stanza {
    text: String,
}

impl Stanza {
    /// Adds `yes` or `no`.
    pub fn flag(&mut self, name: &str, value: Option<bool>) {
        self.text(name, value.map(|value| if value { "yes" } else { "no" }));
    }

    /// Adds words.
    pub fn list(&mut self, name: &str, values: Option<&[String]>) {
        self.text(name, values.map(|values| values.join(" ")).as_deref());
    }

    /// Adds text; several lines stand below the field's name, empty ones as dots.
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        if !value.contains('\n') {
            self.text.push_str(&format!("{name}: {value}\n"));
            return;
        }
        self.text.push_str(&format!("{name}:\n"));
        for line in value.trim().lines() {
            let line = if line.trim().is_empty() { "." } else { line };
            self.text.push_str(&format!("    {line}\n"));
        }
    }

    /// The paragraph.
    pub fn into_text(self) -> String {
        self.text
    }
}
