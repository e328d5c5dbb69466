//! Who may ask the stack.

/// Who may ask, besides programs and pages of this machine that ask for it by a name of loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Names and addresses, without a port, that lead to the stack: `10.0.2.2`, `host.docker.internal`.
    pub allow_hosts: Vec<String>,
    /// Origins of web pages, as browsers write them: `https://app.example`. They may call what browsers call on AWS.
    pub allow_origins: Vec<String>,
}
