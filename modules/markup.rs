//! What XML writes for the letters that it keeps for itself.

/// A text or an attribute's value as it was meant.
pub fn unescaped(text: &str) -> String {
    let mut out = text.to_owned();
    // The ampersand is last: what it makes is no escape any more.
    for (escape, letter) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        out = out.replace(escape, letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escapes_are_read_once() {
        for (text, expected) in [
            ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
            ("&quot;it&apos;s&quot;", "\"it's\""),
            ("&amp;lt;", "&lt;"),
            ("plain", "plain"),
        ] {
            assert_eq!(unescaped(text), expected);
        }
    }
}
