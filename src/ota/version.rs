//! Which of two versions is the newer one: by the rules of Semantic Versioning 2.0 (section 11), for any count of numbers.

use std::cmp::Ordering;

/// A version: numbers with dots, and what may follow after `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: Vec<u64>,
    before: Vec<Part>,
}

/// A part of what stands after `-`; a number is less than a word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads `1.2.3`, `1.2`, `2026.11.20`, `1.2.3-rc.1`; what stands after `+` does not count. `None` for anything else.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.split('+').next().unwrap_or_default();
        let (numbers, before) = text
            .split_once('-')
            .map_or((text, None), |(numbers, before)| (numbers, Some(before)));
        let numbers: Option<Vec<u64>> = numbers.split('.').map(number).collect();
        let before: Option<Vec<Part>> = before.map_or(Some(Vec::new()), |before| before.split('.').map(part).collect());
        Some(Version {
            numbers: numbers?,
            before: before?,
        })
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn part(text: &str) -> Option<Part> {
    let word = || {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain.then(|| Part::Word(text.to_owned()))
    };
    number(text).map(Part::Number).or_else(word)
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let at = |version: &Version, index: usize| version.numbers.get(index).copied().unwrap_or(0);
        let length = self.numbers.len().max(other.numbers.len());
        let numbers = (0..length).map(|index| at(self, index).cmp(&at(other, index)));
        let first = numbers.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        first.then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
            (false, false) => self.before.cmp(&other.before),
            (ours, theirs) => ours.cmp(&theirs),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semantic_versioning_orders_them() {
        let ascending = [
            "0.0.9",
            "0.1.0-2",
            "0.1.0-10",
            "0.1.0-rc.1",
            "0.1.0-rc.1.1",
            "0.1.0-rc.2",
            "0.1",
            "0.1.1",
            "0.10",
            "1.0.0",
            "2026.11.20",
        ];
        let parsed = ascending.map(|text| Version::parse(text).expect(text));
        for (index, earlier) in parsed.iter().enumerate() {
            for later in &parsed[index + 1..] {
                assert!(earlier < later, "{earlier:?} {later:?}");
            }
        }
        assert_eq!(Version::parse("1.2").cmp(&Version::parse("1.2.0+build7")), Ordering::Equal);
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "v1", "1..2", "1.-2", "1.2-", "latest", "1.2 ", "99999999999999999999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
