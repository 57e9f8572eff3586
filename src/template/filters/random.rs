//! Random choices; with a seed the same as Python's.

use num_bigint::{BigInt, BigUint};
use sha2::{Digest, Sha512};

use super::filter;
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Value, big, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[filter("shuffle", shuffle)];

/// Where random numbers come from.
pub(crate) enum Source {
    /// The operating system.
    System,
    /// Python's `random.Random(seed)`.
    Seeded(Box<Twister>),
}

impl Source {
    /// The source for a seed, or the system's without one.
    ///
    /// # Errors
    /// Python takes no such seed.
    pub(crate) fn of(seed: Option<&Value>) -> Result<Self> {
        match seed {
            None | Some(Value::None) => Ok(Self::System),
            Some(seed) => Ok(Self::Seeded(Box::new(Twister::seeded(seed)?))),
        }
    }

    /// Random bits, at most 64.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u64> {
        match self {
            Self::System => {
                let mut bytes = [0u8; 8];
                getrandom::fill(&mut bytes).map_err(|error| {
                    TemplateError::new(ErrorKind::Value, format!("no random numbers: {error}"))
                })?;
                Ok(u64::from_le_bytes(bytes).checked_shr(64 - count).unwrap_or(0))
            }
            Self::Seeded(twister) => Ok(twister.bits(count)),
        }
    }

    /// A number below another, as Python draws it.
    pub(crate) fn below(&mut self, limit: u64) -> Result<u64> {
        if limit == 0 {
            return Ok(0);
        }
        let count = 64 - limit.leading_zeros();
        loop {
            let drawn = self.bits(count)?;
            if drawn < limit {
                return Ok(drawn);
            }
        }
    }
}

impl Source {
    /// A number below one that needs more than 64 bits, as Python draws it: words of 32 bits, the
    /// lower ones first.
    fn below_large(&mut self, limit: &BigUint) -> Result<BigUint> {
        let count = limit.bits();
        loop {
            let mut words = Vec::new();
            let mut left = count;
            while left > 0 {
                let bits = left.min(32);
                let word = self.bits(u32::try_from(bits).unwrap_or(32))?;
                words.push(u32::try_from(word).unwrap_or(u32::MAX));
                left -= bits;
            }
            let drawn = BigUint::new(words);
            if drawn < *limit {
                return Ok(drawn);
            }
        }
    }
}

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// The Mersenne Twister MT19937 of Matsumoto and Nishimura, as Python seeds it.
pub(crate) struct Twister {
    state: [u32; LENGTH],
    at: usize,
}

impl Twister {
    fn seeded(seed: &Value) -> Result<Self> {
        let magnitude = match seed {
            Value::Str(text) => {
                let mut bytes = text.as_bytes().to_vec();
                bytes.extend(Sha512::digest(text.as_bytes()));
                big::BigInt::from_bytes_be(num_bigint::Sign::Plus, &bytes)
            }
            other => big::of(other).ok_or_else(|| {
                TemplateError::of_type(
                    "The only supported seed types are: None, int, float, str, bytes, and bytearray.",
                )
            })?,
        };
        let mut key = magnitude.magnitude().to_u32_digits();
        if key.is_empty() {
            key.push(0);
        }
        Ok(Self::by_array(&key))
    }

    fn by_array(key: &[u32]) -> Self {
        let mut state = [0u32; LENGTH];
        let mut last = 19_650_218u32;
        for (at, word) in state.iter_mut().enumerate() {
            if at > 0 {
                last = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(at as u32);
            }
            *word = last;
        }
        let get = |state: &[u32; LENGTH], at: usize| state.get(at).copied().unwrap_or(0);
        let (mut i, mut j) = (1, 0);
        for _ in 0..LENGTH.max(key.len()) {
            let before = get(&state, i - 1);
            let mixed = (get(&state, i) ^ (before ^ (before >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key.get(j).copied().unwrap_or(0))
                .wrapping_add(j as u32);
            if let Some(word) = state.get_mut(i) {
                *word = mixed;
            }
            i += 1;
            j = (j + 1) % key.len();
            if i >= LENGTH {
                state[0] = state[LENGTH - 1];
                i = 1;
            }
        }
        for _ in 0..LENGTH - 1 {
            let before = get(&state, i - 1);
            let mixed = (get(&state, i) ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941))
                .wrapping_sub(i as u32);
            if let Some(word) = state.get_mut(i) {
                *word = mixed;
            }
            i += 1;
            if i >= LENGTH {
                state[0] = state[LENGTH - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, at: LENGTH }
    }

    fn next(&mut self) -> u32 {
        if self.at >= LENGTH {
            for at in 0..LENGTH {
                let word = |at: usize| self.state.get(at % LENGTH).copied().unwrap_or(0);
                let joined = (word(at) & 0x8000_0000) | (word(at + 1) & 0x7fff_ffff);
                let twisted = word(at + MIDDLE)
                    ^ (joined >> 1)
                    ^ if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                if let Some(word) = self.state.get_mut(at) {
                    *word = twisted;
                }
            }
            self.at = 0;
        }
        let mut word = self.state.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn bits(&mut self, count: u32) -> u64 {
        let low = u64::from(self.next());
        if count <= 32 {
            return low >> (32 - count);
        }
        // The later words are the higher ones.
        low | (u64::from(self.next()) >> (64 - count)) << 32
    }
}

pub(super) fn random(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let value = value.defined()?;
    let [start, step, seed] = arguments.bind("random", ["start", "step", "seed"], 0)?;
    let mut source = Source::of(seed.as_ref())?;
    let number = |name: &str, value: &Option<Value>| match value {
        None | Some(Value::None) => Ok(0),
        Some(value) => int_argument("random", name, value),
    };
    let (start, step) = (number("start", &start)?, number("step", &step)?);
    if let Some(end) = value.as_int() {
        let step = if step == 0 { 1 } else { step };
        let width = i128::from(end) - i128::from(start);
        let count = if step > 0 {
            (width + i128::from(step) - 1).div_euclid(i128::from(step))
        } else {
            (width + i128::from(step) + 1).div_euclid(i128::from(step))
        };
        let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) else {
            return Err(TemplateError::of_value(format!(
                "empty range for randrange() ({start}, {end}, {step})"
            )));
        };
        let drawn = source.below(count)?;
        return Ok(Value::from(i128::from(start) + i128::from(step) * i128::from(drawn)));
    }
    if let Value::BigInt(end) = &value
        && step <= 1
    {
        let start = BigInt::from(start);
        let width = end.as_ref() - &start;
        let Some(width) = width.to_biguint().filter(|width| width.bits() > 0) else {
            return Err(TemplateError::of_value(format!(
                "empty range for randrange() ({start}, {end}, 1)"
            )));
        };
        return Ok(big::value(start + BigInt::from(source.below_large(&width)?)));
    }
    if start != 0 || step != 0 {
        return Err(TemplateError::of_value("start and step can only be used with integer values"));
    }
    let items = value
        .elements()
        .map_err(|_| TemplateError::of_type("random can only be used on sequences and integers"))?;
    if items.is_empty() {
        return Err(TemplateError::of_value("Cannot choose from an empty sequence"));
    }
    let at = source.below(items.len() as u64)?;
    Ok(items.into_iter().nth(at as usize).unwrap_or_default())
}

fn shuffle(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [seed] = arguments.bind("shuffle", ["seed"], 0)?;
    let Ok(mut items) = value.elements() else { return Ok(value) };
    let mut source = Source::of(seed.as_ref())?;
    for at in (1..items.len()).rev() {
        let other = source.below(at as u64 + 1)? as usize;
        items.swap(at, other);
    }
    Ok(Value::list(items))
}
