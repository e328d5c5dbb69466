//! The worker that one writes first, as the source article's does, but in Rust: a publish is awaited for each token, each
//! opens its own connection and its own SDK session, and records are answered one after another.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::json;
use tokencast_aws::bedrock::{BedrockModel, ModelSettings};
use tokencast_aws::sdk;
use tokencast_core::failure::Failure;
use tokencast_core::id::SessionId;
use tokencast_core::ports::{Model as _, ModelEvent, TokenSource as _};

use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Session, session};
use crate::process::thread_cpu_time;

const REGION: &str = "us-east-1";

const PUBLISH: &str = "mutation PublishToken($sessionId: String!, $token: String!, $isComplete: Boolean!, $sequence: Int, \
    $status: StreamStatus) { publishToken(sessionId: $sessionId, token: $token, isComplete: $isComplete, sequence: \
    $sequence, status: $status) { sessionId token isComplete timestamp sequence status } }";

/// What a batch showed.
#[derive(Debug)]
pub struct Naive {
    pub sessions: Vec<Session>,
    pub cpu: Duration,
    pub connections: u64,
}

/// Answers so many records.
pub async fn answer(
    fakes: &mut Fakes,
    script: Script,
    records: usize,
) -> Result<Naive, BenchError> {
    fakes.bedrock.set_script(script);
    let ids: Vec<_> = (0..records)
        .map(|_| SessionId::random().to_string())
        .collect();
    let connections = fakes.appsync.connections();
    let worker = std::thread::spawn({
        let (ids, bedrock, appsync) = (ids.clone(), fakes.bedrock.url(), fakes.appsync.url());
        move || work(&ids, &bedrock, &appsync)
    });
    let work = async {
        let worker = tokio::task::spawn_blocking(move || worker.join()).await;
        let worker = worker.to("run the naive worker")?;
        worker.map_err(|_| BenchError::Wrong("the naive worker panicked".to_owned()))?
    };
    let (cpu, mut publishes) = tokio::try_join!(work, fakes.appsync.sessions(records))?;
    let sessions = ids
        .iter()
        .map(|id| session(id, script, &fakes.bedrock.emitted(id), &mut publishes));
    Ok(Naive {
        sessions: sessions.collect::<Result<_, _>>()?,
        cpu,
        connections: fakes.appsync.connections() - connections,
    })
}

/// The CPU time of it all.
fn work(ids: &[String], bedrock: &str, appsync: &str) -> Result<Duration, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start the naive worker")?;
    let before = thread_cpu_time()?;
    for id in ids {
        runtime.block_on(deliver(id, bedrock, appsync))?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}

async fn deliver(id: &str, bedrock: &str, appsync: &str) -> Result<(), BenchError> {
    let settings = ModelSettings {
        model_id: "example.model-v1:0".to_owned(),
        system_prompt: None,
        max_tokens: 4096,
        temperature: None,
        log_errors: false,
    };
    let sdk = sdk::load_for_endpoint(bedrock, REGION).await;
    let model = BedrockModel::new(&sdk, settings);
    let mut tokens = model.start(id).await.map_err(failed)?;
    let mut sequence = 0;
    while let Some(event) = tokens.next().await.map_err(failed)? {
        if let ModelEvent::Text(token) = event {
            sequence += 1;
            publish(id, &token, sequence, false, appsync).await?;
        }
    }
    publish(id, "", sequence + 1, true, appsync).await
}

fn failed(failure: Failure) -> BenchError {
    BenchError::Wrong(failure.message)
}

async fn publish(
    id: &str,
    token: &str,
    sequence: u32,
    is_complete: bool,
    url: &str,
) -> Result<(), BenchError> {
    let status = if is_complete {
        "COMPLETED"
    } else {
        "STREAMING"
    };
    let variables = json!({
        "sessionId": id,
        "token": token,
        "isComplete": is_complete,
        "sequence": sequence,
        "status": status,
    });
    let body = json!({ "query": PUBLISH, "variables": variables }).to_string();
    let sdk = sdk::load_for_endpoint(url, REGION).await;
    let provider = sdk.credentials_provider();
    let provider = provider.ok_or_else(|| BenchError::Wrong("no credentials".to_owned()))?;
    let identity = provider.provide_credentials().await.to("get credentials")?;
    let identity = identity.into();
    #[expect(
        clippy::disallowed_methods,
        reason = "the naive worker reads the clock where it needs it"
    )]
    let now = SystemTime::now();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("appsync")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .to("sign")?
        .into();
    let signed = [("content-type", "application/json")];
    let signable = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new("POST", url, signed.into_iter(), signable).to("sign")?;
    let (instructions, _) = sign(signable, &parameters).to("sign")?.into_parts();
    let client = client()?;
    let mut request = client.post(url).header("content-type", "application/json");
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.to("publish")?;
    let answer = answer.error_for_status().to("publish")?;
    answer.bytes().await.map(drop).to("publish")
}

pub(crate) fn client() -> Result<reqwest::Client, BenchError> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .to("make an HTTP client")?
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .build()
        .to("make an HTTP client")
}
