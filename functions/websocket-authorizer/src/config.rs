//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::jwt::JwtIssuer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `COGNITO_ISSUER`, `COGNITO_CLIENT_ID`: whose tokens are taken.
    pub jwt_issuer: JwtIssuer,
}

impl Config {
    /// Reads the variables by `lookup`.
    ///
    /// # Errors
    ///
    /// If one is missing or not as expected: all of them are told at once.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            jwt_issuer: JwtIssuer::read(&mut reader),
        };
        reader.finish(config)
    }
}
