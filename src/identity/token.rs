//! JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256; no other algorithm is made or taken.

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde::Deserialize;
use serde::Serialize;

use super::hex::Hex;
use super::hex::Id;
use crate::limits::TOKEN_BYTES_MAX;

/// The only header that is made.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of ours by its form or its algorithm.
    #[error("the token is malformed")]
    Malformed,
    /// Someone else signed it, or it was changed.
    #[error("the token's signature is not ours")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is not among those that hold.
    #[error("the token is revoked")]
    Revoked,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user: the token's name.
    pub sub: String,
    /// What it may do, in words with spaces between.
    pub scope: String,
    /// When it was made, in seconds since 1970; absent when the clock was not known good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iat: Option<i64>,
    /// When it ends, likewise; absent, too, when it does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exp: Option<i64>,
    /// Which it is.
    pub jti: Id,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood: we understand none.
    crit: Option<serde::de::IgnoredAny>,
}

/// What tokens are signed with.
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// From 256 secret bits.
    pub fn new(secret: &[u8; 32]) -> SigningKey {
        SigningKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(super) fn of(secret: &Hex<32>) -> SigningKey {
        SigningKey::new(&secret.0)
    }

    /// The token of `claims`.
    pub fn sign(&self, claims: &Claims) -> String {
        let claims = serde_json::to_vec(claims).expect("plain fields");
        let mut token = format!("{}.{}", BASE64URL_NOPAD.encode(HEADER.as_bytes()), BASE64URL_NOPAD.encode(&claims));
        let signature = hmac::sign(&self.0, token.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
        token
    }

    /// What `token` says, if it is ours. Whether it still holds is another matter.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| TokenError::Malformed)?;
        hmac::verify(&self.0, signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
        decode(claims)
    }
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, TokenError> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}
