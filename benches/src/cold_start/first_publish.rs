//! From the first invocation of a new worker to its first publish.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokencast_core::id::SessionId;

use super::tls_front::{Certificate, TlsFront};
use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Function, event, packaged};
use crate::report::Row;
use crate::spread::{Spread, millis};

const PATIENCE: Duration = Duration::from_secs(10);
const SCRIPT: Script = Script {
    tokens: 3,
    per_second: 1_000,
};

/// Each way, one after another in turns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Tls,
}

pub(super) fn rows(options: &Options) -> Result<Vec<Row>, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        let starts = options.pick(20, 3);
        let worker = packaged(&options.functions_dir);
        let certificate = Certificate::new()?;
        let mut bundle = tempfile::NamedTempFile::new().to("keep a certificate")?;
        let written = bundle.write_all(certificate.ca_pem.as_bytes());
        written.to("keep a certificate")?;
        let mut fakes = Fakes::start().await?;
        let ways = [Way::Plain, Way::Tls];
        let (mut first, mut second) = ([vec![], vec![]], vec![]);
        for _ in 0..starts {
            for (way, first) in ways.into_iter().zip(&mut first) {
                let fronts = Fronts::start(&certificate, &fakes, way).await?;
                let (cold, warm) = start(&worker, &mut fakes, &fronts, bundle.path()).await?;
                first.push(millis(cold));
                if way == Way::Tls {
                    second.push(millis(warm));
                }
            }
        }
        let [plain, tls] = first.map(Spread::of);
        Ok(vec![
            Row::new(
                "worker: first invocation to first publish, TLS",
                tls.text(" ms"),
            ),
            Row::new("the same in plain text", plain.text(" ms")),
            Row::new("the second invocation, TLS", Spread::of(second).text(" ms")),
        ])
    })
}

/// Where the worker finds its services.
struct Fronts {
    aws: String,
    bedrock: String,
    appsync: String,
    _kept: Vec<TlsFront>,
}

impl Fronts {
    async fn start(certificate: &Certificate, fakes: &Fakes, way: Way) -> Result<Self, BenchError> {
        let (aws, bedrock, appsync) = (fakes.aws.url(), fakes.bedrock.url(), fakes.appsync.url());
        if way == Way::Plain {
            return Ok(Self {
                aws,
                bedrock,
                appsync,
                _kept: Vec::new(),
            });
        }
        let front = async |url: &str| TlsFront::start(certificate, address(url)?).await;
        let kept = vec![
            front(&aws).await?,
            front(&bedrock).await?,
            front(&appsync).await?,
        ];
        Ok(Self {
            aws: kept[0].url(),
            bedrock: kept[1].url(),
            appsync: format!("{}/graphql", kept[2].url()),
            _kept: kept,
        })
    }
}

fn address(url: &str) -> Result<SocketAddr, BenchError> {
    let address = url.trim_start_matches("http://").split('/').next();
    address.unwrap_or_default().parse().to("read an address")
}

/// A new process's first two invocations, each up to its first publish.
async fn start(
    worker: &Path,
    fakes: &mut Fakes,
    fronts: &Fronts,
    bundle: &Path,
) -> Result<(Duration, Duration), BenchError> {
    let bundle = bundle.to_string_lossy();
    let environment = [
        ("APPSYNC_API_URL", fronts.appsync.as_str()),
        ("AWS_ENDPOINT_URL", &fronts.aws),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &fronts.bedrock),
        ("AWS_CA_BUNDLE", &bundle),
    ];
    let _function = Function::start(worker, fakes, None, &environment).await?;
    Ok((first_publish(fakes).await?, first_publish(fakes).await?))
}

async fn first_publish(fakes: &mut Fakes) -> Result<Duration, BenchError> {
    let id = SessionId::random();
    fakes.bedrock.set_script(SCRIPT);
    let event = event(&[id])?;
    let began = Instant::now();
    let answer = async { tokio::try_join!(fakes.lambda.invoke(event), fakes.appsync.sessions(1)) };
    let (_, publishes) = tokio::time::timeout(PATIENCE, answer)
        .await
        .to("await the first publish")??;
    let publishes = publishes.get(&id.to_string());
    let first = publishes.and_then(|publishes| publishes.first());
    let first = first.ok_or_else(|| BenchError::Wrong("nothing was published".to_owned()))?;
    Ok(first.at.saturating_duration_since(began))
}
