//! Sizes of volumes, as LVM's programs take them.

use module::Failure;

/// A size, absolute or a share.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    pub sign: Option<Sign>,
    number: f64,
    /// The number as it was written.
    written: String,
    unit: Option<char>,
    /// What it is a share of, in percent.
    pub whole: Option<Whole>,
}

/// Whether a size is what a volume grows or shrinks by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Plus,
    Minus,
}

/// What a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    Group,
    Devices,
    Free,
    Origin,
}

impl Size {
    /// Reads a size.
    ///
    /// # Errors
    /// What is no size.
    pub fn parse(text: &str, is_snapshot: bool) -> Result<Self, Failure> {
        let bad = || Failure::new(format!("Bad size specification of '{text}'"));
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (Some(Sign::Plus), rest),
            Some(("-", rest)) => (Some(Sign::Minus), rest),
            _ => (None, text),
        };
        let (written, unit, whole) = match rest.split_once('%') {
            Some((percent, whole)) => {
                let whole = match whole {
                    "VG" => Whole::Group,
                    "PVS" => Whole::Devices,
                    "FREE" => Whole::Free,
                    "ORIGIN" if is_snapshot => Whole::Origin,
                    "ORIGIN" => {
                        return Err(Failure::new(
                            "Percentage of ORIGIN supported only for snapshot volumes",
                        ));
                    }
                    _ => {
                        return Err(Failure::new(
                            "Specify extents as a percentage of VG|PVS|FREE|ORIGIN",
                        ));
                    }
                };
                (percent, None, Some(whole))
            }
            None => match rest.char_indices().next_back() {
                Some((at, unit)) if "bskmgtpe".contains(unit.to_ascii_lowercase()) => {
                    (rest.get(..at).unwrap_or_default(), Some(unit), None)
                }
                _ => (rest, None, None),
            },
        };
        let is_number = written.starts_with(|letter: char| letter.is_ascii_digit());
        let number: f64 = written.parse().ok().filter(|_| is_number).ok_or_else(bad)?;
        if whole.is_some() && number > 100.0 {
            return Err(Failure::new("Size percentage cannot be larger than 100%"));
        }
        Ok(Self { sign, number, written: written.to_owned(), unit, whole })
    }

    /// The unit that sizes of volumes are compared in.
    pub fn unit(&self) -> char {
        self.unit.map_or('m', |unit| unit.to_ascii_lowercase())
    }

    /// The option that takes it.
    pub fn option(&self) -> &'static str {
        if self.whole.is_some() { "-l" } else { "-L" }
    }

    /// As a program takes it, without a sign.
    pub fn text(&self) -> String {
        let tail = match self.whole {
            Some(Whole::Group) => "%VG".to_owned(),
            Some(Whole::Devices) => "%PVS".to_owned(),
            Some(Whole::Free) => "%FREE".to_owned(),
            Some(Whole::Origin) => "%ORIGIN".to_owned(),
            None => self.unit.unwrap_or('m').to_string(),
        };
        format!("{}{tail}", self.written)
    }

    /// The same with its sign.
    pub fn signed_text(&self) -> String {
        let sign = match self.sign {
            Some(Sign::Plus) => "+",
            Some(Sign::Minus) => "-",
            None => "",
        };
        format!("{sign}{}", self.text())
    }

    /// What a volume of that size becomes, in one unit with all else.
    pub fn resolve(&self, now: f64, group: f64, free: f64, part: f64) -> f64 {
        let amount = match self.whole {
            Some(Whole::Group | Whole::Devices) => self.number * group / 100.0,
            Some(Whole::Free) => self.number * free / 100.0,
            // The origin's size is not that of the group; LVM itself works it out.
            Some(Whole::Origin) => return now,
            None => self.number,
        };
        let wanted = match self.sign {
            Some(Sign::Plus) => now + amount,
            Some(Sign::Minus) => now - amount,
            None => amount,
        };
        if self.whole.is_some() && part > 0.0 { wanted - wanted % part } else { wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, option, written, resolved) in [
            ("512", "-L", "512m", 512.0),
            ("2g", "-L", "2g", 2.0),
            ("+10", "-L", "+10m", 110.0),
            ("-10", "-L", "-10m", 90.0),
            ("50%VG", "-l", "50%VG", 500.0),
            ("+100%FREE", "-l", "+100%FREE", 500.0),
            ("33%VG", "-l", "33%VG", 328.0),
        ] {
            let size = Size::parse(text, false).unwrap();
            assert_eq!((size.option(), size.signed_text().as_str()), (option, written), "{text}");
            assert_eq!(size.resolve(100.0, 1000.0, 400.0, 4.0), resolved, "{text}");
        }
        for text in ["", "x", "5x", "5%", "101%VG", "50%ORIGIN", "--5"] {
            assert!(Size::parse(text, false).is_err(), "{text}");
        }
        assert!(Size::parse("50%ORIGIN", true).is_ok());
    }
}
