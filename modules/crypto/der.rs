//! DER, read and written (ITU-T X.690).

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const UTF8_STRING: u8 = 0x0c;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const IA5_STRING: u8 = 0x16;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// A tag that means something in its place alone; with things inside.
pub const fn inside(number: u8) -> u8 {
    0xa0 | number
}

/// The same with plain bytes.
pub const fn plain(number: u8) -> u8 {
    0x80 | number
}

/// A value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    pub tag: u8,
    /// What it holds.
    pub body: &'a [u8],
    /// It with its tag and length.
    pub whole: &'a [u8],
}

impl<'a> Node<'a> {
    /// The one value that the bytes are.
    pub fn only(bytes: &'a [u8]) -> Option<Self> {
        let (node, rest) = Self::first(bytes)?;
        rest.is_empty().then_some(node)
    }

    /// The first value, and the bytes behind it.
    pub fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, length) = (*bytes.first()?, *bytes.get(1)?);
        let (start, length) = match length {
            0..=0x7f => (2, usize::from(length)),
            0x81..=0x84 => {
                let count = usize::from(length & 0x7f);
                let digits = bytes.get(2..2 + count)?;
                (2 + count, digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
            _ => return None,
        };
        let end = start.checked_add(length)?;
        let node = Self { tag, body: bytes.get(start..end)?, whole: bytes.get(..end)? };
        Some((node, bytes.get(end..)?))
    }

    /// The values inside; `None` where there is something else.
    pub fn parts(&self) -> Option<Vec<Node<'a>>> {
        let (mut parts, mut rest) = (Vec::new(), self.body);
        while !rest.is_empty() {
            let (part, behind) = Self::first(rest)?;
            parts.push(part);
            rest = behind;
        }
        Some(parts)
    }

    /// The part at a place.
    pub fn part(&self, at: usize) -> Option<Node<'a>> {
        self.parts()?.get(at).copied()
    }

    /// An OID with its points.
    pub fn oid(&self) -> Option<String> {
        if self.tag != OID {
            return None;
        }
        let mut numbers = Vec::new();
        let mut number: u64 = 0;
        for byte in self.body {
            number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                numbers.push(number);
                number = 0;
            }
        }
        let first = *numbers.first()?;
        let head = (first / 40).min(2);
        let mut text = format!("{head}.{}", first - head * 40);
        for number in numbers.iter().skip(1) {
            text.push_str(&format!(".{number}"));
        }
        Some(text)
    }

    /// A text of any of the kinds that names have.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// The bits of a BIT STRING of whole bytes.
    pub fn bits(&self) -> Option<&'a [u8]> {
        (self.tag == BIT_STRING).then_some(())?;
        self.body.split_first().map(|(_, bits)| bits)
    }

    /// How many bits an INTEGER has.
    pub fn bit_length(&self) -> usize {
        let digits: Vec<u8> = self.body.iter().copied().skip_while(|byte| *byte == 0).collect();
        let first = digits.first().map_or(0, |byte| 8 - byte.leading_zeros() as usize);
        digits.len().saturating_sub(1) * 8 + first
    }
}

/// A value of these bytes.
pub fn value(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    let length = body.len();
    if length < 0x80 {
        whole.push(u8::try_from(length).unwrap_or_default());
    } else {
        let digits: Vec<u8> =
            length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        whole.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        whole.extend(digits);
    }
    whole.extend(body);
    whole
}

/// A value of these values.
pub fn list(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    value(tag, &parts.concat())
}

/// A SEQUENCE.
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    list(SEQUENCE, parts)
}

/// An INTEGER of at least zero.
pub fn integer(digits: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = digits.iter().copied().skip_while(|byte| *byte == 0).collect();
    if body.first().is_none_or(|byte| byte & 0x80 != 0) {
        body.insert(0, 0);
    }
    value(INTEGER, &body)
}

/// A BIT STRING of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// A BIT STRING of named bits, without those at the end that are not set.
pub fn named_bits(set: &[usize]) -> Vec<u8> {
    let Some(last) = set.iter().max() else { return value(BIT_STRING, &[0]) };
    let mut bytes = vec![0_u8; last / 8 + 1];
    for bit in set {
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte |= 0x80 >> (bit % 8);
        }
    }
    let unused = u8::try_from(7 - last % 8).unwrap_or_default();
    value(BIT_STRING, &[&[unused], bytes.as_slice()].concat())
}

/// An OID; `None` for what is none.
pub fn oid(text: &str) -> Option<Vec<u8>> {
    let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    let numbers = numbers?;
    let [first, second, rest @ ..] = numbers.as_slice() else { return None };
    if *first > 2 || (*first < 2 && *second >= 40) {
        return None;
    }
    let mut body = Vec::new();
    for number in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
        let mut digits = vec![u8::try_from(number & 0x7f).ok()?];
        let mut left = number >> 7;
        while left > 0 {
            digits.push(u8::try_from(left & 0x7f).ok()? | 0x80);
            left >>= 7;
        }
        body.extend(digits.iter().rev());
    }
    Some(value(OID, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["1.2.840.113549.1.1.11", "2.5.29.17", "2.999.3", "1.3.6.1.5.5.7.1.24"] {
            let bytes = oid(text).unwrap();
            assert_eq!(Node::only(&bytes).unwrap().oid().as_deref(), Some(text));
        }
        for text in ["", "1", "3.1", "1.40", "a.b"] {
            assert!(oid(text).is_none(), "{text}");
        }
        let long = sequence(&[value(OCTET_STRING, &[7; 300]), integer(&[0x80])]);
        let node = Node::only(&long).unwrap();
        assert_eq!(node.part(0).unwrap().body.len(), 300);
        assert_eq!(node.part(1).unwrap().body, [0, 0x80]);
        assert_eq!(node.part(1).unwrap().bit_length(), 8);
        assert_eq!(named_bits(&[0, 2]), [3, 2, 5, 0xa0]);
        assert_eq!(named_bits(&[8]), [3, 3, 7, 0, 0x80]);
    }

    #[test]
    fn what_is_cut_or_too_long_is_nothing() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x80, 0, 0],
        ] {
            assert!(Node::only(bytes).is_none(), "{bytes:?}");
        }
        assert!(Node::only(&[5, 0, 0]).is_none());
        assert!(Node::only(&[0x30, 1, 5]).unwrap().parts().is_none());
    }
}
