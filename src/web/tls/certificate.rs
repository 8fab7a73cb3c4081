//! What a certificate says of itself, for a person to compare with what the browser shows: read from its DER (RFC 5280, section 4.1).

use std::net::IpAddr;

use ring::digest;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::limits::TLS_NAMES_MAX;

/// Tags of DER (X.690, section 8).
const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// `subjectAltName`, 2.5.29.17.
const SUBJECT_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

/// The certificate that clients are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Certificate {
    /// SHA-256 of it, in hexadecimal digits, as browsers show it.
    pub fingerprint: String,
    /// Names and addresses that it is for; the first ones, if there are many.
    pub names: Vec<String>,
    /// When it begins to hold; null when it does not say so intelligibly.
    pub not_before: Option<Timestamp>,
    /// When it ceases to hold, likewise.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// What the certificate with these bytes says. What cannot be read is left out: whether it can be served is not decided here.
    pub fn read(der: &[u8]) -> Certificate {
        let certificate = Certificate {
            fingerprint: fingerprint(der),
            ..Certificate::default()
        };
        body(der).unwrap_or_default().into_certificate(certificate)
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn fingerprint(der: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, der);
    let pairs: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// The parts that are shown, still in DER.
#[derive(Default)]
struct Body<'a> {
    validity: &'a [u8],
    extensions: &'a [u8],
}

impl Body<'_> {
    fn into_certificate(self, certificate: Certificate) -> Certificate {
        let mut validity = Der(self.validity);
        Certificate {
            not_before: validity.next().and_then(time),
            not_after: validity.next().and_then(time),
            names: names(self.extensions),
            ..certificate
        }
    }
}

/// `Certificate`, then `TBSCertificate`: version, serial number, algorithm, issuer, validity, subject, key, extensions.
fn body(der: &[u8]) -> Option<Body<'_>> {
    let mut signed = Der(Der(der).of(SEQUENCE)?);
    let mut parts = Der(signed.of(SEQUENCE)?);
    let (tag, _) = parts.next()?;
    let before_validity = if tag == VERSION { 3 } else { 2 };
    parts.nth(before_validity - 1)?;
    let validity = parts.of(SEQUENCE)?;
    let extensions = parts.find(|(tag, _)| *tag == EXTENSIONS);
    Some(Body {
        validity,
        extensions: extensions.map_or(&[], |(_, content)| content),
    })
}

fn time((tag, text): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let year = match tag {
        // Two digits stand for 1950 to 2049.
        UTC_TIME => {
            let short: u16 = text.get(..2)?.parse().ok()?;
            1900 + short + if short < 50 { 100 } else { 0 }
        }
        TIME => text.get(..4)?.parse().ok()?,
        _ => return None,
    };
    let rest = text.get(if tag == TIME { 4.. } else { 2.. })?;
    let two = |at: usize| rest.get(at..at + 2);
    let (month, day, hour, minute, second) = (two(0)?, two(2)?, two(4)?, two(6)?, two(8)?);
    Timestamp::parse(&format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

fn names(extensions: &[u8]) -> Vec<String> {
    let list = Der(extensions).of(SEQUENCE).unwrap_or_default();
    let found = Der(list).find_map(|(_, extension)| {
        let mut parts = Der(extension);
        let is_names = parts.of(OBJECT)? == SUBJECT_NAMES;
        let value = parts.find(|(tag, _)| *tag == OCTETS)?.1;
        is_names.then(|| Der(value).of(SEQUENCE)).flatten()
    });
    let names = Der(found.unwrap_or_default());
    names.filter_map(name).take(TLS_NAMES_MAX).collect()
}

fn name((tag, content): (u8, &[u8])) -> Option<String> {
    match tag {
        DNS_NAME => std::str::from_utf8(content).ok().map(str::to_owned),
        IP_ADDRESS => {
            let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(content).map(IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Elements one after another: tag and content of each. Ends where nothing can be read any more.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has this tag.
    fn of(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        // Up to 127 the length itself, else how many bytes it has.
        let more = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let (digits, rest) = rest.split_at_checked(more).filter(|_| more <= 3)?;
        let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        let (content, rest) = rest.split_at_checked(if more == 0 { usize::from(first) } else { length })?;
        self.0 = rest;
        Some((tag, content))
    }
}
