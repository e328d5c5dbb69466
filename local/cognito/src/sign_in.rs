//! Exchanges a password, an SRP proof or a refresh token for tokens.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDateTime;
use num_bigint::BigUint;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Pool;
use crate::challenges::Challenge;
use crate::error::CognitoError;
use crate::srp::{self, ServerProof};
use crate::users::Verifier;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InitiateAuth {
    auth_flow: Option<String>,
    #[serde(default)]
    auth_parameters: HashMap<String, String>,
    client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RespondToAuthChallenge {
    challenge_name: Option<String>,
    #[serde(default)]
    challenge_responses: HashMap<String, String>,
    client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetTokensFromRefreshToken {
    refresh_token: Option<String>,
    client_id: Option<String>,
}

const FLOWS: &str = "USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, ADMIN_NO_SRP_AUTH, \
                     USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH";

impl Pool {
    pub(crate) fn initiate_auth(&self, request: &InitiateAuth) -> Result<Value, CognitoError> {
        self.check_client(request.client_id.as_deref())?;
        let parameters = &request.auth_parameters;
        let flow = request
            .auth_flow
            .as_deref()
            .ok_or_else(|| missing("authFlow"))?;
        match flow {
            "USER_SRP_AUTH" => self.begin_proof(
                required(parameters, "USERNAME")?,
                required(parameters, "SRP_A")?,
            ),
            "USER_PASSWORD_AUTH" => {
                let (username, password) = (
                    required(parameters, "USERNAME")?,
                    required(parameters, "PASSWORD")?,
                );
                let user = self
                    .users
                    .find(username)
                    .filter(|user| user.has_password(password));
                Ok(authenticated(
                    &self
                        .sign_in(user.ok_or_else(CognitoError::incorrect)?)?
                        .to_json(),
                ))
            }
            "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => {
                self.refresh(required(parameters, "REFRESH_TOKEN")?)
            }
            "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH" => Err(
                CognitoError::invalid_parameter("Initiate Auth method not supported."),
            ),
            "CUSTOM_AUTH" | "USER_AUTH" => Err(CognitoError::invalid_parameter(format!(
                "{flow} flow not enabled for this client"
            ))),
            _ => Err(CognitoError::invalid_parameter(format!(
                "1 validation error detected: Value '{flow}' at 'authFlow' failed to satisfy constraint: Member must \
                 satisfy enum value set: [{FLOWS}]"
            ))),
        }
    }

    pub(crate) fn respond_to_auth_challenge(
        &self,
        request: &RespondToAuthChallenge,
    ) -> Result<Value, CognitoError> {
        self.check_client(request.client_id.as_deref())?;
        let name = request
            .challenge_name
            .as_deref()
            .ok_or_else(|| missing("challengeName"))?;
        if name != "PASSWORD_VERIFIER" {
            return Err(CognitoError::invalid_parameter(format!(
                "The local Cognito asks no {name} challenge, only PASSWORD_VERIFIER."
            )));
        }
        let answers = &request.challenge_responses;
        // The challenge knows its user, so the value of `USERNAME` isn't used.
        required(answers, "USERNAME")?;
        let secret_block = required(answers, "PASSWORD_CLAIM_SECRET_BLOCK")?;
        let signature = required(answers, "PASSWORD_CLAIM_SIGNATURE")?;
        let timestamp = required(answers, "TIMESTAMP")?;
        if NaiveDateTime::parse_from_str(timestamp, "%a %b %d %H:%M:%S UTC %Y").is_err() {
            return Err(CognitoError::invalid_parameter(
                "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
            ));
        }
        let secret_block = STANDARD
            .decode(secret_block)
            .map_err(|_| CognitoError::incorrect())?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| CognitoError::incorrect())?;
        let challenge = self.challenges.take(&secret_block, self.clock.now_ms());
        let challenge = challenge.ok_or_else(|| {
            CognitoError::not_authorized("Invalid session for the user, session is expired.")
        })?;
        let signed = [self.users.pool_name(), &challenge.user_id].map(str::as_bytes);
        let message = [
            signed[0],
            signed[1],
            &challenge.secret_block,
            timestamp.as_bytes(),
        ];
        let proven = challenge.proof.verify(&message, &signature);
        let user = self.users.find(&challenge.user_id).filter(|_| proven);
        Ok(authenticated(
            &self
                .sign_in(user.ok_or_else(CognitoError::incorrect)?)?
                .to_json(),
        ))
    }

    pub(crate) fn get_tokens_from_refresh_token(
        &self,
        request: &GetTokensFromRefreshToken,
    ) -> Result<Value, CognitoError> {
        self.check_client(request.client_id.as_deref())?;
        self.refresh(
            request
                .refresh_token
                .as_deref()
                .ok_or_else(|| missing("refreshToken"))?,
        )
    }

    pub(crate) fn check_client(&self, client_id: Option<&str>) -> Result<(), CognitoError> {
        let client_id = client_id.ok_or_else(|| missing("clientId"))?;
        if client_id != self.client_id {
            return Err(CognitoError::new(
                "ResourceNotFoundException",
                format!("User pool client {client_id} does not exist."),
            ));
        }
        Ok(())
    }

    /// An unknown user gets a challenge too, which nobody can answer, as with Cognito's `PreventUserExistenceErrors`.
    fn begin_proof(&self, username: &str, client_public: &str) -> Result<Value, CognitoError> {
        let client_public =
            BigUint::parse_bytes(client_public.as_bytes(), 16).ok_or_else(|| {
                CognitoError::invalid_parameter("SRP_A should be a hexadecimal number")
            })?;
        let (user_id, Verifier { salt, verifier }) = match self.users.find(username) {
            Some(user) => (user.username.clone(), self.users.verifier(user)),
            None => (username.to_owned(), self.no_verifier(username)),
        };
        let proof =
            ServerProof::begin(client_public, verifier).ok_or_else(CognitoError::incorrect)?;
        let secret_block = srp::random_bytes(256);
        let parameters = json!({
            "SALT": format!("{salt:x}"),
            "SECRET_BLOCK": STANDARD.encode(&secret_block),
            "SRP_B": format!("{:x}", proof.public),
            "USERNAME": user_id,
            "USER_ID_FOR_SRP": user_id,
        });
        let begun_at_ms = self.clock.now_ms();
        self.challenges.add(Challenge {
            secret_block,
            proof,
            user_id,
            begun_at_ms,
        });
        Ok(json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters }))
    }

    /// An unknown user gets the same salt each time, as a known user does.
    fn no_verifier(&self, username: &str) -> Verifier {
        let seed = Sha256::new()
            .chain_update(&self.id)
            .chain_update(username)
            .finalize();
        let salt = BigUint::from_bytes_be(&seed[..16]);
        let nobody_knows = STANDARD.encode(srp::random_bytes(32));
        let verifier = srp::verifier(self.users.pool_name(), username, &nobody_knows, &salt);
        Verifier { salt, verifier }
    }

    fn refresh(&self, refresh_token: &str) -> Result<Value, CognitoError> {
        let session = self.sessions.resume(refresh_token, self.now_seconds())?;
        let user = self.users.find(&session.username);
        let user = user.ok_or_else(|| CognitoError::not_authorized("Invalid Refresh Token"))?;
        Ok(authenticated(&self.tokens(user, &session)?.to_json()))
    }
}

fn authenticated(result: &Value) -> Value {
    json!({ "AuthenticationResult": result, "ChallengeParameters": {} })
}

fn required<'a>(
    parameters: &'a HashMap<String, String>,
    name: &str,
) -> Result<&'a str, CognitoError> {
    let value = parameters
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        CognitoError::invalid_parameter(format!("Missing required parameter {name}"))
    })
}

pub(crate) fn missing(member: &str) -> CognitoError {
    CognitoError::invalid_parameter(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
