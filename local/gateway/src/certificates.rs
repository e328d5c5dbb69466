//! The stack's own certificate authority, which is kept in the state directory, and the server certificate that it
//! issues.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use local_kit::private_files;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

/// So long that nobody has to trust the authority again.
const AUTHORITY_DAYS: i64 = 3650;
/// Browsers accept at most 398 days.
const SERVER_DAYS: i64 = 397;
/// An authority that expires within this time is replaced.
const RENEWAL_DAYS: i64 = 30;
/// Written before the certificate in `ca.pem`. PEM readers skip it.
const VALID_UNTIL: &str = "Valid until: ";
/// Written before the other names that the authority may certify, if there are any.
const ALSO_FOR: &str = "Also for: ";
/// Without `*.localhost`: Node, browsers and rustls don't accept a wildcard directly below the top level.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The gateway's certificates.
#[derive(Clone, Debug)]
pub struct Certificates {
    ca_pem_path: PathBuf,
    server_config: Arc<ServerConfig>,
}

#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("can't write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("can't make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("can't use the certificate")]
    Use(#[from] rustls::Error),
}

struct Authority {
    pem: String,
    key: KeyPair,
}

impl Certificates {
    /// Reads the authority from `directory` (`ca.pem`, `ca.key`), or makes one if there is none, it is unreadable, or
    /// it has expired. The server certificate is new each time. `hosts` are names and addresses besides those of
    /// loopback; other hosts need another authority, because an authority certifies only the names it was made for.
    ///
    /// # Errors
    ///
    /// A file can't be written, or a certificate can't be made.
    pub fn load(directory: &Path, now_ms: i64, hosts: &[String]) -> Result<Self, CertificateError> {
        let today = DateTime::from_timestamp_millis(now_ms)
            .unwrap_or_default()
            .date_naive();
        let (pem_path, key_path) = (directory.join("ca.pem"), directory.join("ca.key"));
        let authority = if let Some(authority) = read(&pem_path, &key_path, today, hosts) {
            authority
        } else {
            let authority = make_authority(today, hosts)?;
            fs::create_dir_all(directory).map_err(|source| CertificateError::Write {
                path: directory.to_owned(),
                source,
            })?;
            write(&key_path, &authority.key.serialize_pem())?;
            write(&pem_path, &authority.pem)?;
            authority
        };
        Ok(Self {
            ca_pem_path: pem_path,
            server_config: Arc::new(server_config(authority, today, hosts)?),
        })
    }

    /// The value for `NODE_EXTRA_CA_CERTS`.
    pub fn ca_pem_path(&self) -> &Path {
        &self.ca_pem_path
    }

    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server_config)
    }
}

fn read(pem_path: &Path, key_path: &Path, today: NaiveDate, hosts: &[String]) -> Option<Authority> {
    let pem = fs::read_to_string(pem_path).ok()?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let key = KeyPair::from_pem(&fs::read_to_string(key_path).ok()?).ok()?;
    let said = |what: &str| pem.lines().find_map(|line| line.strip_prefix(what));
    let until: NaiveDate = said(VALID_UNTIL)?.parse().ok()?;
    if said(ALSO_FOR).unwrap_or_default() != hosts.join(",") {
        return None;
    }
    // The key belongs to the certificate if the certificate contains its public half.
    let public = key.public_key_raw();
    let belongs = certificate.windows(public.len()).any(|part| part == public);
    (belongs && until > today + TimeDelta::days(RENEWAL_DAYS)).then_some(Authority { pem, key })
}

fn make_authority(today: NaiveDate, hosts: &[String]) -> Result<Authority, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = authority_params(hosts);
    let until = today + TimeDelta::days(AUTHORITY_DAYS);
    set_validity(&mut params, today - TimeDelta::days(1), until);
    let certificate = params.self_signed(&key)?;
    let also_for = if hosts.is_empty() {
        String::new()
    } else {
        format!("{ALSO_FOR}{}\n", hosts.join(","))
    };
    let pem = format!(
        "Certificate authority of a local stack\n{VALID_UNTIL}{until}\n{also_for}{}",
        certificate.pem()
    );
    Ok(Authority { pem, key })
}

/// Everything that a certificate takes from its issuer is in these parameters and in the key, so the authority's
/// certificate needn't be parsed.
fn authority_params(hosts: &[String]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Tokencast local stack");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Limits the authority to this machine's addresses and the allowed hosts, so that trusting it is harmless
    // otherwise.
    let mut permitted_subtrees = vec![
        GeneralSubtree::DnsName("localhost".into()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
            Ipv6Addr::LOCALHOST.octets(),
            128,
        )),
    ];
    permitted_subtrees.extend(hosts.iter().map(|host| match host.parse() {
        Ok(IpAddr::V4(address)) => {
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address.octets(), 32))
        }
        Ok(IpAddr::V6(address)) => {
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address.octets(), 128))
        }
        Err(_) => GeneralSubtree::DnsName(host.clone()),
    }));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees,
        excluded_subtrees: vec![],
    });
    params
}

fn server_config(
    authority: Authority,
    today: NaiveDate,
    hosts: &[String],
) -> Result<ServerConfig, CertificateError> {
    let names = NAMES.iter().map(ToString::to_string);
    let names: Vec<String> = names.chain(hosts.iter().cloned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let from = today - TimeDelta::days(1);
    set_validity(&mut params, from, from + TimeDelta::days(SERVER_DAYS));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate =
        params.signed_by(&key, &Issuer::new(authority_params(hosts), authority.key))?;
    let chain = vec![certificate.der().clone()];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn set_validity(params: &mut CertificateParams, from: NaiveDate, until: NaiveDate) {
    let date = |day: NaiveDate| {
        let (month, day_of_month) = (
            u8::try_from(day.month()).unwrap_or(1),
            u8::try_from(day.day()).unwrap_or(1),
        );
        date_time_ymd(day.year(), month, day_of_month)
    };
    params.not_before = date(from);
    params.not_after = date(until);
}

fn write(path: &Path, text: &str) -> Result<(), CertificateError> {
    private_files::write(path, text.as_bytes()).map_err(|source| CertificateError::Write {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW_MS: i64 = 1_767_312_000_000;
    const DAY_MS: i64 = 86_400_000;

    /// Whether the authority is kept after `change` was made to its directory.
    fn check(change: impl Fn(&Path), later_days: i64, kept: bool) {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("state");
        let first = Certificates::load(&state, NOW_MS, &[]).expect("made");
        let before = fs::read(first.ca_pem_path()).expect("written");
        let mode = fs::metadata(state.join("ca.key"))
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        change(&state);
        let second = Certificates::load(&state, NOW_MS + later_days * DAY_MS, &[]).expect("loaded");
        assert_eq!(
            fs::read(second.ca_pem_path()).expect("there") == before,
            kept
        );
    }

    #[test]
    fn another_host_takes_another_authority() {
        let directory = tempfile::tempdir().expect("a directory");
        let load = |hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            let made = Certificates::load(directory.path(), NOW_MS, &hosts).expect("made");
            fs::read(made.ca_pem_path()).expect("written")
        };
        let (none, emulator) = (load(&[]), load(&["10.0.2.2", "laptop.lan"]));
        assert_ne!(none, emulator);
        assert_eq!(load(&["10.0.2.2", "laptop.lan"]), emulator);
        assert_ne!(load(&["10.0.2.2"]), emulator);
    }

    #[test]
    fn an_authority_is_kept_while_it_is_good() {
        check(|_| {}, 0, true);
        check(|_| {}, AUTHORITY_DAYS - RENEWAL_DAYS - 1, true);
        check(|_| {}, AUTHORITY_DAYS - RENEWAL_DAYS, false);
        check(
            |state| fs::write(state.join("ca.key"), "nonsense").expect("written"),
            0,
            false,
        );
        check(
            |state| fs::write(state.join("ca.pem"), "nonsense").expect("written"),
            0,
            false,
        );
        check(
            |state| fs::remove_file(state.join("ca.key")).expect("removed"),
            0,
            false,
        );
        let other_key = KeyPair::generate().expect("a key").serialize_pem();
        check(
            |state| fs::write(state.join("ca.key"), &other_key).expect("written"),
            0,
            false,
        );
        check(
            |state| {
                fs::write(state.join("ca.key.partial"), "left by a crash").expect("written");
            },
            0,
            true,
        );
    }
}
