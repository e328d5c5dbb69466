//! Who may use the stack.

/// Who may use the stack, besides this machine's programs and pages that call it by a loopback name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Names and addresses of the stack, without a port: `10.0.2.2`, `host.docker.internal`.
    pub allow_hosts: Vec<String>,
    /// Origins of web pages, as browsers send them: `https://app.example`. They may call what browsers call on AWS.
    pub allow_origins: Vec<String>,
}
